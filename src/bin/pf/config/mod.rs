//! Settings of a command. Precedence: flag > environment > `.pf.toml` in this folder or above > user file > default.

mod file;
mod secret;
mod store;
mod variable;

use std::{
    env,
    path::{Path, PathBuf},
};

use etcetera::BaseStrategy as _;
use protoflow::event::{Group, protobuf::SchemaFiles};
use url::Url;

pub use self::{
    file::{File, Profile},
    secret::{masked, masked_for_user, refuse, refuse_for_database},
    store::{anchor, is_bare, parse, url_of},
    variable::variable,
};
use crate::{
    error::{CliError, CliResult, Exit},
    output::Format,
    values::nearest::nearest,
};

/// The configuration file of a project.
const PROJECT_FILE: &str = ".pf.toml";

/// The settings of all configuration files.
#[derive(Debug)]
pub struct Config {
    /// Project file, then user file, if they exist.
    layers: Vec<Layer>,
    /// Why files are ignored that cannot be used and are not needed.
    ignored: Vec<String>,
}

/// A configuration file.
#[derive(Debug)]
pub struct Layer {
    /// Its path.
    pub path: PathBuf,
    /// Its content.
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
    /// A notice about how it was chosen.
    pub remark: Option<String>,
    /// A folder that must be created first.
    pub folder: Option<PathBuf>,
}

/// A context.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its settings.
    pub profile: &'a Profile,
    /// The file that defines it.
    pub file: &'a Path,
}

/// The source that chooses the store.
enum Chosen {
    /// A URL, and the flag or variable that gave it.
    Url(String, &'static str),
    /// The context of this name.
    Context(String),
    /// The files, if one of them does.
    Files,
}

impl Config {
    /// Reads the files. If `--url` or `PF_URL` names the store, none is needed, and one that cannot be used is ignored.
    pub fn load(url: Option<&str>, context: Option<&str>) -> CliResult<Self> {
        let is_needed = !matches!(chosen(url, context)?, Chosen::Url(..));
        let project = match here() {
            Ok(folder) => project_file(&folder),
            Err(error) if is_needed => return Err(error),
            Err(_) => None,
        };
        let user = Home::find().ok().map(|home| home.config_file());
        let (mut layers, mut ignored) = (Vec::new(), Vec::new());
        for path in project.into_iter().chain(user) {
            match File::read(&path, is_needed) {
                Ok(Some(mut file)) => {
                    file.anchor_outboxes(folder_of(&path));
                    layers.push(Layer { path, file });
                }
                Ok(None) => {}
                Err(error) if is_needed => return Err(error),
                Err(error) => ignored.push(error.chain().collect::<Vec<_>>().join(": ")),
            }
        }
        Ok(Self { layers, ignored })
    }

    /// Returns why files are ignored, one line for each.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Returns the path of the user's file, whether or not it exists.
    pub fn user_file() -> CliResult<PathBuf> {
        Ok(Home::find()?.config_file())
    }

    /// Returns every context, highest precedence first. Of contexts with the same name only the first is returned.
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

    /// Returns the name of the context in use, if a context chooses the store.
    pub fn current(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Option<String>> {
        Ok(match chosen(url, context)? {
            Chosen::Url(..) => None,
            Chosen::Context(name) => Some(name),
            Chosen::Files => self.choosing().and_then(|layer| layer.file.context.clone()),
        })
    }

    /// Finds the store: `--url`, `--context`, `PF_URL`, `PF_CONTEXT`, the files, the default.
    pub fn target(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Target> {
        let layer = match chosen(url, context)? {
            Chosen::Url(text, origin) => return given(&text, origin),
            Chosen::Context(name) => return self.in_context(&name),
            Chosen::Files => self.choosing(),
        };
        let Some(Layer { path, file }) = layer else {
            return default_store();
        };
        if let Some(name) = &file.context {
            return self.in_context(name);
        }
        let profile = Profile::of(file.url.as_deref().unwrap_or_default());
        found(&profile, folder_of(path), &path.display().to_string())
    }

    /// Returns the group that `PF_GROUP`, the context, or else a file, names.
    pub fn group(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Option<Group>> {
        if let Some(text) = variable("PF_GROUP")? {
            return Ok(Some(text.parse()?));
        }
        let text = self.setting(
            &chosen(url, context)?,
            |profile| profile.group.as_ref(),
            |file| file.group.as_ref(),
        )?;
        Ok(text.map(|text| text.parse()).transpose()?)
    }

    /// Returns the format that the context, or else a file, names.
    pub fn output(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Option<Format>> {
        let format = self.setting(
            &chosen(url, context)?,
            |profile| profile.output.as_ref(),
            |file| file.output.as_ref(),
        )?;
        Ok(format.copied())
    }

    /// Returns the database of the outbox that the context, or else a file, names.
    #[cfg(any(feature = "outbox-sqlite", feature = "outbox-postgres"))]
    pub fn outbox(&self, url: Option<&str>, context: Option<&str>) -> CliResult<Option<String>> {
        let outbox = self.setting(
            &chosen(url, context)?,
            |profile| profile.outbox.as_ref(),
            |file| file.outbox.as_ref(),
        )?;
        Ok(outbox.cloned())
    }

    /// Returns the schemas that the context in use names.
    pub fn schema_files(&self, url: Option<&str>, context: Option<&str>) -> CliResult<SchemaFiles> {
        let Some(name) = self.current(url, context)? else {
            return Ok(SchemaFiles::default());
        };
        // A context that does not exist is reported where the store is needed.
        let Ok(Named { profile, file, .. }) = self.named(&name) else {
            return Ok(SchemaFiles::default());
        };
        profile.schema_files(folder_of(file))
    }

    /// Finds a setting. The context of a file has the precedence of the file. If that context does not exist, this is reported
    /// where the store is needed, so that another one can still be chosen.
    fn setting<'a, T>(
        &'a self,
        chosen: &Chosen,
        in_profile: impl Fn(&'a Profile) -> Option<&'a T>,
        in_file: impl Fn(&'a File) -> Option<&'a T>,
    ) -> CliResult<Option<&'a T>> {
        let mut in_use = match chosen {
            Chosen::Files => self.choosing(),
            Chosen::Url(..) => None,
            Chosen::Context(name) => match in_profile(self.named(name)?.profile) {
                None => None,
                found => return Ok(found),
            },
        };
        for layer in &self.layers {
            let context = in_use.take_if(|choosing| std::ptr::eq(*choosing, layer));
            let name = context.and_then(|layer| layer.file.context.as_deref());
            let profile = name.and_then(|name| self.named(name).ok());
            let found = profile.and_then(|named| in_profile(named.profile));
            if let Some(found) = found.or_else(|| in_file(&layer.file)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Returns the file that chooses the store.
    fn choosing(&self) -> Option<&Layer> {
        let mut layers = self.layers.iter();
        layers.find(|layer| layer.file.context.is_some() || layer.file.url.is_some())
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
                    error.hint(format!("`pf context add {name} --url URL` creates it"))
                }
                None => error.hint("`pf context list` shows the existing ones"),
            },
        )
    }

    fn in_context(&self, name: &str) -> CliResult<Target> {
        let named = self.named(name)?;
        let origin = format!("context `{name}`");
        found(named.profile, folder_of(named.file), &origin)
    }
}

impl Home {
    fn find() -> CliResult<Self> {
        let strategy = etcetera::choose_base_strategy().map_err(|error| {
            CliError::configuration("the home folder is unknown")
                .during(error.to_string())
                .hint("set HOME, or choose a store with `--url`")
        })?;
        Ok(Self {
            config: strategy.config_dir().join("pf"),
            data: strategy.data_dir().join("pf"),
        })
    }

    fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}

fn given(text: &str, origin: &str) -> CliResult<Target> {
    let url = store::parse(text, origin)?;
    let folder = if store::is_relative(&url) {
        here()?
    } else {
        PathBuf::new()
    };
    let target = found(&Profile::of(text), &folder, origin)?;
    if origin == "--url" {
        let is_user = target.url.password().is_some();
        secret::refuse(&url, is_user, origin)?;
    }
    Ok(target)
}

fn found(profile: &Profile, folder: &Path, origin: &str) -> CliResult<Target> {
    let mut url = store::parse(&profile.url, origin)?;
    if store::is_bare(&url) {
        let mut store = default_store()?;
        store.url.set_query(url.query());
        return Ok(store);
    }
    store::anchor(&mut url, folder)?;
    secret::complete(&mut url, profile, folder)?;
    Ok(Target {
        url,
        remark: None,
        folder: None,
    })
}

fn default_store() -> CliResult<Target> {
    let folder = Home::find()?.data;
    let path = folder.join("events.db");
    Ok(Target {
        url: store::url_of(&path)?,
        remark: Some(format!("using {}", path.display())),
        folder: Some(folder),
    })
}

/// Finds the file of the project in a folder or above.
fn project_file(folder: &Path) -> Option<PathBuf> {
    let mut paths = folder.ancestors().map(|folder| folder.join(PROJECT_FILE));
    // A link that leads nowhere is found too, and reported when it is read.
    paths.find(|path| path.is_symlink() || path.is_file())
}

/// Returns the choice of the command line or the environment.
fn chosen(url: Option<&str>, context: Option<&str>) -> CliResult<Chosen> {
    if let Some(text) = url {
        return Ok(Chosen::Url(text.to_owned(), "--url"));
    }
    if let Some(name) = context {
        return Ok(Chosen::Context(name.to_owned()));
    }
    if let Some(text) = variable("PF_URL")? {
        return Ok(Chosen::Url(text, "PF_URL"));
    }
    let name = variable("PF_CONTEXT")?;
    Ok(name.map_or(Chosen::Files, Chosen::Context))
}

fn here() -> CliResult<PathBuf> {
    env::current_dir().map_err(|error| {
        CliError::new(Exit::Configuration, error)
            .during("the working folder does not exist")
            .hint("change to another folder with `cd`")
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
