//! Flags that every command takes.

use std::time::Duration;

use clap::Args;

use crate::{
    output::{ColorChoice, Format},
    values::times,
};

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    #[arg(long, global = true, value_name = "URL", conflicts_with = "context")]
    #[arg(help = "The store, as in `sqlite:events.db` [env: PF_URL]")]
    pub url: Option<String>,
    #[arg(long, global = true, value_name = "NAME")]
    #[arg(help = "The store with this context name, see `pf context` [env: PF_CONTEXT]")]
    pub context: Option<String>,
    /// Time to wait for the store to answer [default: set by the URL, else 5s]
    #[arg(long, global = true, value_parser = times::duration, value_name = "DURATION")]
    pub connect_timeout: Option<Duration>,
    /// Output format
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        env = "PF_OUTPUT",
        hide_env_values = true
    )]
    #[arg(value_name = "FORMAT")]
    pub output: Option<Format>,
    /// Print no notices; warnings, errors and their hints stay
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`
    #[arg(
        long,
        global = true,
        env = "PF_LOG",
        hide_env_values = true,
        value_name = "FILTER"
    )]
    pub log: Option<String>,
}
