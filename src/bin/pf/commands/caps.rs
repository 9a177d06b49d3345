//! `pf caps`: capabilities of the transport.

use std::{
    fmt,
    io::{self, Write},
    str::FromStr,
};

use clap::Args;
use protoflow::{
    backends::OpenOptions,
    transport::{Capabilities, Limits, Support},
};
use serde::Serialize;

use crate::{
    context::Context,
    error::{CliError, CliResult, Exit},
    output::{Paint, Painter, Report},
    values::nearest::nearest,
};

/// Show what the transport can do
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pf caps
  pf caps --url nats://localhost:4222
  pf caps --require delay,dlq:native && ./deploy")]
pub struct CapsArgs {
    /// Exit 5 unless all of these are supported; `delay:native` unless by the broker itself
    #[arg(long, value_delimiter = ',', value_name = "ABILITY")]
    require: Vec<Requirement>,
    /// Show what this build knows about the transport, without asking a server
    #[arg(long)]
    offline: bool,
}

/// A required ability.
#[derive(Debug, Clone)]
pub struct Requirement {
    ability: String,
    native: bool,
}

impl FromStr for Requirement {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ability, how) = text.split_once(':').unwrap_or((text, ""));
        let native = match how {
            "" => false,
            "native" => true,
            how => return Err(format!("`{how}` is not `native`")),
        };
        Ok(Self {
            ability: ability.replace('_', "-"),
            native,
        })
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.ability)?;
        f.write_str(if self.native { ":native" } else { "" })
    }
}

impl CapsArgs {
    pub async fn run(self, context: &mut Context) -> CliResult<()> {
        if self.offline && self.require.is_empty() && !context.names_a_store() {
            for capabilities in context.registry.known() {
                context.printer.report(&Shown(&capabilities))?;
            }
            return Ok(());
        }
        let capabilities = self.capabilities(context).await?;
        if self.require.is_empty() {
            return context.printer.report(&Shown(&capabilities));
        }
        require(&capabilities, &self.require)
    }

    async fn capabilities(&self, context: &mut Context) -> CliResult<Capabilities> {
        if !self.offline {
            let transport = context.open(OpenOptions::default()).await?;
            return Ok(transport.capabilities().await?);
        }
        let url = context.url()?;
        Ok(context.registry.capabilities(&url)?)
    }
}

/// Fails unless every required ability is supported; the error names all that are not.
pub fn require(capabilities: &Capabilities, required: &[Requirement]) -> CliResult<()> {
    let mut missing = Vec::new();
    let mut notes = Vec::new();
    for requirement in required {
        let support = find(capabilities, &requirement.ability)?;
        if !support.is_present() || (requirement.native && !support.is_native()) {
            missing.push(requirement.to_string());
            notes.push(format!(
                "{} is {}: {}",
                requirement.ability,
                support.word(),
                support.note()
            ));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let error = CliError::message(
        Exit::Unsupported,
        format!("`{}` has no {}", capabilities.transport, missing.join(", ")),
    );
    Err(notes.into_iter().fold(error, CliError::hint))
}

fn find<'a>(capabilities: &'a Capabilities, name: &str) -> CliResult<&'a Support> {
    let abilities = capabilities.abilities();
    if let Some((_, support)) = abilities.iter().find(|(known, _)| *known == name) {
        return Ok(support);
    }
    let known = abilities.iter().map(|(known, _)| *known);
    let error = CliError::usage(format!("unknown ability `{name}`"));
    Err(match nearest(name, known.clone()) {
        Some(known) => error.hint(format!("did you mean `{known}`?")),
        None => error.hint(format!(
            "known abilities: {}",
            known.collect::<Vec<_>>().join(", ")
        )),
    })
}

/// Capabilities, to be shown.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown<'a>(&'a Capabilities);

impl Report for Shown<'_> {
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()> {
        let server = self.0.server.as_deref().unwrap_or("server not asked");
        writeln!(out, "{} ({server})", paint(Paint::Name, &self.0.transport))?;
        for (name, support) in self.0.abilities() {
            let look = match support {
                Support::Native { .. } => Paint::Good,
                Support::Emulated { .. } => Paint::Warning,
                Support::Absent { .. } => Paint::Bad,
            };
            let word = paint(look, &format!("{:<9}", support.word()));
            let line = format!("  {name:<20} {word} {}", support.note());
            writeln!(out, "{}", line.trim_end())?;
        }
        for (name, limit) in limits(&self.0.limits) {
            writeln!(out, "  {name:<20} {limit}")?;
        }
        Ok(())
    }
}

fn limits(limits: &Limits) -> Vec<(&'static str, String)> {
    let duration = |limit| humantime::format_duration(limit).to_string();
    [
        (
            "max payload",
            limits.max_payload.map(|bytes| format!("{bytes} bytes")),
        ),
        ("max delay", limits.max_delay.map(duration)),
        ("lateness", limits.lateness.map(duration)),
    ]
    .into_iter()
    .filter_map(|(name, limit)| Some((name, limit?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use protoflow::backends::Registry;

    use super::*;

    #[test]
    fn everything_that_is_missing_is_named_with_its_reason() {
        let url = "memory:".parse().unwrap();
        let mut capabilities = Registry::builtin().capabilities(&url).unwrap();
        capabilities.delay = Support::emulated("a topic of its own");
        capabilities.purge = Support::absent("the log only grows");
        let required = ["delay", "delay:native", "purge", "dlq:native"];
        let required: Vec<Requirement> = required.map(|text| text.parse().unwrap()).into();
        let error = require(&capabilities, &required).unwrap_err();
        assert_eq!(error.code(), Exit::Unsupported);
        let text: Vec<_> = error.chain().collect();
        assert_eq!(text, ["`memory` has no delay:native, purge"]);
        assert_eq!(
            error.hints(),
            [
                "delay is emulated: a topic of its own",
                "purge is absent: the log only grows"
            ]
        );
    }
}
