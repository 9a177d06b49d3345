//! Colour. It carries no meaning of its own: the text says the same.

use std::io::IsTerminal;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Decides for one stream.
    pub fn applies_to(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|text| !text.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|text| text == "dumb");
                !refused && !dumb && stream.is_terminal()
            }
        }
    }
}

/// Style of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// Less important.
    Dim,
    /// A name.
    Name,
    /// Good.
    Good,
    /// A warning.
    Warning,
    /// An error.
    Bad,
}

impl Paint {
    /// Returns the text in this style, where the stream has colour.
    pub fn dress(self, coloured: bool, text: &str) -> String {
        if coloured {
            format!("{}{text}{}", self.start(), Self::END)
        } else {
            text.to_owned()
        }
    }

    /// Returns the escape sequence that starts the style.
    pub fn start(self) -> &'static str {
        match self {
            Self::Dim => "\x1b[2m",
            Self::Name => "\x1b[36m",
            Self::Good => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Bad => "\x1b[31m",
        }
    }

    /// The escape sequence that ends every style.
    pub const END: &'static str = "\x1b[0m";
}

/// Applies a style to a text, where the stream has colour.
pub type Painter<'a> = &'a dyn Fn(Paint, &str) -> String;
