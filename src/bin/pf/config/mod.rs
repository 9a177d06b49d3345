//! Where the settings of a command come from: flag > environment > `.pf.toml` upward > user file > default.

mod file;
mod secret;
mod store;

use std::{
    env,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use protoflow::event::Group;
use url::Url;

pub use self::{
    file::{File, Profile},
    secret::{has_password, masked, masked_for_user, refused},
    store::{anchor, parse, url_of},
};
use crate::{
    error::{CliError, CliResult, Exit},
    nearest::nearest,
    output::Format,
};

/// The file that a project keeps.
const PROJECT_FILE: &str = ".pf.toml";

/// The settings that files hold.
#[derive(Debug)]
pub struct Config {
    /// Project file, then user file; those that exist.
    layers: Vec<Layer>,
    home: Home,
}

/// A configuration file.
#[derive(Debug)]
pub struct Layer {
    /// Where it is.
    pub path: PathBuf,
    /// What it says.
    pub file: File,
}

/// The user's own folders.
#[derive(Debug)]
struct Home {
    config: PathBuf,
    data: PathBuf,
}

/// A store to connect to.
#[derive(Debug)]
pub struct Target {
    /// Its URL, password included.
    pub url: Url,
    /// What the user should know about how it was chosen.
    pub remark: Option<String>,
    /// A folder to be made first.
    pub folder: Option<PathBuf>,
}

/// A context.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says.
    pub profile: &'a Profile,
    /// Where it stands.
    pub file: &'a Path,
}

impl Config {
    /// Reads the files.
    pub fn load() -> CliResult<Self> {
        let home = Home::find()?;
        let project = here()?
            .ancestors()
            .map(|folder| folder.join(PROJECT_FILE))
            .find(|path| path.is_file());
        let mut layers = Vec::new();
        for path in project.into_iter().chain([home.config.join("config.toml")]) {
            if let Some(file) = File::read(&path)? {
                layers.push(Layer { path, file });
            }
        }
        Ok(Self { layers, home })
    }

    /// Returns the path of the user's file, there or not.
    pub fn user_file(&self) -> PathBuf {
        self.home.config.join("config.toml")
    }

    /// Returns every context, strongest first; one that hides another of its name comes alone.
    pub fn contexts(&self) -> Vec<Named<'_>> {
        let mut found: Vec<Named<'_>> = Vec::new();
        for Layer { path, file } in &self.layers {
            for (name, profile) in &file.contexts {
                if !found.iter().any(|known| known.name == name) {
                    let file = path;
                    found.push(Named {
                        name,
                        profile,
                        file,
                    });
                }
            }
        }
        found
    }

    /// Returns the name of the context in use, if none of what is stronger names a store: `context`, else
    /// `PF_CONTEXT`, else the files' choice.
    pub fn current(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Option<String>> {
        if let Some(name) = context {
            return Ok(Some(name.to_owned()));
        }
        if url.is_some() || variable("PF_URL")?.is_some() {
            return Ok(None);
        }
        if let Some(name) = variable("PF_CONTEXT")? {
            return Ok(Some(name));
        }
        let mut files = self.layers.iter().map(|layer| &layer.file);
        let chooses = files.find(|file| file.url.is_some() || file.context.is_some());
        Ok(chooses.and_then(|file| file.context.clone()))
    }

    /// Finds the store: `--url`, `--context`, `PF_URL`, `PF_CONTEXT`, the files, the default.
    pub fn target(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Target> {
        if let Some(text) = url {
            return self.given(text, "--url", true);
        }
        if let Some(name) = context {
            return self.named(name)?.target();
        }
        if let Some(text) = variable("PF_URL")? {
            return self.given(&text, "PF_URL", false);
        }
        if let Some(name) = variable("PF_CONTEXT")? {
            return self.named(&name)?.target();
        }
        for layer in &self.layers {
            if let Some(name) = &layer.file.context {
                return self.named(name)?.target();
            }
            if let Some(text) = &layer.file.url {
                let profile = Profile::of(text);
                return profile.target(folder_of(&layer.path), &layer.path.display().to_string());
            }
        }
        self.default_store()
    }

    /// Returns the group that `PF_GROUP`, the context, or else a file, names.
    pub fn group(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Option<Group>> {
        if let Some(text) = variable("PF_GROUP")? {
            return Ok(Some(text.parse()?));
        }
        let text = self.setting(
            self.current(url, context)?,
            |profile| profile.group.as_ref(),
            |file| file.group.as_ref(),
        )?;
        Ok(text.map(|text| text.parse()).transpose()?)
    }

    /// Returns the format that the context, or else a file, names.
    pub fn output(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Option<Format>> {
        let format = self.setting(
            self.current(url, context)?,
            |profile| profile.output.as_ref(),
            |file| file.output.as_ref(),
        )?;
        Ok(format.copied())
    }

    fn setting<'a, T>(
        &'a self,
        context: Option<String>,
        in_profile: impl Fn(&'a Profile) -> Option<&'a T>,
        in_file: impl Fn(&'a File) -> Option<&'a T>,
    ) -> CliResult<Option<&'a T>> {
        if let Some(name) = context
            && let Some(found) = in_profile(self.named(&name)?.profile)
        {
            return Ok(Some(found));
        }
        Ok(self.layers.iter().find_map(|layer| in_file(&layer.file)))
    }

    /// Returns the context of this name.
    pub fn named(&self, name: &str) -> CliResult<Named<'_>> {
        let contexts = self.contexts();
        if let Some(named) = contexts.iter().find(|known| known.name == name) {
            return Ok(*named);
        }
        let error = CliError::configuration(format!("there is no context `{name}`"));
        Err(
            match nearest(name, contexts.iter().map(|known| known.name)) {
                Some(known) => error.hint(format!("did you mean `{known}`?")),
                None if contexts.is_empty() => {
                    error.hint(format!("`pf context add {name} --url URL` makes it"))
                }
                None => error.hint("`pf context list` shows those that exist"),
            },
        )
    }

    fn given(&self, text: &str, origin: &str, visible: bool) -> CliResult<Target> {
        let profile = Profile::of(text);
        let target = profile.target(&here()?, origin)?;
        if visible && has_password(&store::parse(text, origin)?) {
            return Err(secret::refused(origin));
        }
        if visible && secret::has_token(&target.url) {
            return Err(secret::token_refused(origin));
        }
        if store::is_bare(&target.url) {
            let mut store = self.default_store()?;
            store.url.set_query(target.url.query());
            return Ok(store);
        }
        Ok(target)
    }

    fn default_store(&self) -> CliResult<Target> {
        let path = self.home.data.join("events.db");
        Ok(Target {
            url: store::url_of(&path)?,
            remark: Some(format!("using {}", path.display())),
            folder: Some(self.home.data.clone()),
        })
    }
}

impl Named<'_> {
    fn target(&self) -> CliResult<Target> {
        self.profile
            .target(folder_of(self.file), &format!("context `{}`", self.name))
    }
}

impl Profile {
    fn target(&self, folder: &Path, origin: &str) -> CliResult<Target> {
        let mut url = store::parse(&self.url, origin)?;
        store::anchor(&mut url, folder)?;
        secret::complete(&mut url, self, folder)?;
        Ok(Target {
            url,
            remark: None,
            folder: None,
        })
    }
}

impl Home {
    fn find() -> CliResult<Self> {
        let strategy = etcetera::choose_base_strategy().map_err(|error| {
            CliError::configuration("the home folder is not known")
                .during(error.to_string())
                .hint("set HOME, or name the store with `--url`")
        })?;
        Ok(Self {
            config: strategy.config_dir().join("pf"),
            data: strategy.data_dir().join("pf"),
        })
    }
}

/// Returns an environment variable that is set and not empty.
fn variable(name: &str) -> CliResult<Option<String>> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(CliError::configuration(format!("{name} is not UTF-8"))
                .hint("it is read as text, paths included"))
        }
    }
}

fn here() -> CliResult<PathBuf> {
    env::current_dir().map_err(|error| {
        CliError::new(Exit::Configuration, error)
            .during("the working folder is not there")
            .hint("go to another one: `cd`")
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
