//! Phrases that stay out of help, messages, documentation and snapshots: the field has words for what they mean.

use super::{
    broken::{Broken, assert_kept},
    source::{Piece, sources, take_apart},
};

/// What must not be written, and what to write instead.
const PHRASES: [(&[&str], &str); 39] = [
    (
        &[
            "beside its stream is made",
            "made when it starts, and told",
            "first needed, and told",
        ],
        "created when the consumer starts, or on first use, and reported on stderr",
    ),
    (&["counts for nothing"], "is ignored"),
    (
        &["is charged nothing", "charged nothing"],
        "do not lose an attempt",
    ),
    (&["counts as none"], "is not counted"),
    (
        &["is counted apart", "are counted apart"],
        "counted separately",
    ),
    (&["what will bite", "will bite", "what bites"], "problems"),
    (
        &["has gone away", "whoever", "somebody"],
        "the reader, consumer, member, worker or holder that it is",
    ),
    (
        &["works on the dead letters of"],
        "another dead-letter job is running, held by …",
    ),
    (
        &["nobody to ask", "asks before it acts"],
        "needs confirmation",
    ),
    (&["nobody knows", "nobody can say"], "outcome unknown"),
    (&["not taken over into"], "not checkpointed yet"),
    (
        &["let us in", "lets us in", "does not let us"],
        "authentication failed, permission denied",
    ),
    (
        &["tried again", "tries again", "try anew", "anew"],
        "retried, retry",
    ),
    (
        &["fired from here"],
        "the delayed-event dispatcher of this process",
    ),
    (
        &["is passed over", "are passed over", "passes over"],
        "skipped",
    ),
    (&["in an unknown way"], "unexpected response"),
    (
        &["what became of", "what becomes of", "dealt with"],
        "outcome, resolved",
    ),
    (
        &[
            "` is no",
            "` are no",
            "is no duration",
            "is no topic",
            "is no number",
            "is no event",
        ],
        "is not a valid …",
    ),
    (&["tells what happens"], "observes, reports"),
    (
        &[
            "is told",
            "are told",
            "be told",
            "was told",
            "were told",
            "and told",
            "told of",
            "untold",
            "told to nobody",
        ],
        "reported, logged, printed, returned",
    ),
    (&["tells of", "tell of"], "reports"),
    (
        &["put aside", "puts aside", "putting aside", "set aside"],
        "dead-lettered, stored, moved away",
    ),
    (&["what died", "who died"], "dead letters"),
    (
        &[
            "what is for later",
            "for later",
            "what waits for its time",
            "waits for its time",
        ],
        "delayed events, schedules",
    ),
    (&["at hand"], "in flight, cached, buffered"),
    (&["of our own", "ours", "of its own making"], "internal"),
    (&["for ever"], "until dropped, indefinitely"),
    (&["stands at", "stand at"], "is stored at"),
    (&["so many", "so long"], "at most N, for this long"),
    (&["mend", "mends", "mended", "mending"], "fix"),
    (&["makes no sense"], "is not valid"),
    (
        &["nobody is", "by nobody", "nobody has", "nobody sees"],
        "no consumer, nothing, not …",
    ),
    (
        &["is said", "are said", "was said", "nothing is said"],
        "is given, reported, set",
    ),
    (
        &["wished for", "wishes for", "a wish"],
        "asked for, requested, the publisher's own …",
    ),
    (&["calls it off", "called off"], "cancels"),
    (&["goes on where"], "resumes"),
    (&["lets go of", "let go of"], "releases"),
    (&["gave up on is"], "dead-lettered"),
    (&["takes it on"], "accepts"),
];

#[test]
fn the_words_are_those_of_the_field() {
    let mut broken = Broken::new();
    for (path, pieces) in texts() {
        for piece in pieces {
            let text = piece.text.to_lowercase();
            for (phrases, instead) in PHRASES {
                for phrase in phrases.iter().filter(|phrase| contains(&text, phrase)) {
                    let advice =
                        format!("{path}:{} says \"{phrase}\"; write: {instead}", piece.line);
                    broken.insert(format!("{path}: {phrase}"), advice);
                }
            }
        }
    }
    assert_kept("the_words_are_those_of_the_field", &broken);
}

/// Reports whether a text has a phrase as words of its own, other than as a piece of code.
fn contains(text: &str, phrase: &str) -> bool {
    let is_code = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':' | '-');
    text.match_indices(phrase).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + phrase.len()..]);
        let starts = !phrase.starts_with(char::is_alphabetic)
            || !before.ends_with(|c| is_code(c) || c == '`' || c == '.');
        let ends = !after.starts_with(|c| (is_code(c) && c != ':') || matches!(c, '`' | '('))
            && !after.starts_with("::");
        let is_denial = phrase.starts_with("is no ") && before.ends_with("there ");
        // A string of one word is a value of a machine format.
        let is_value = before.ends_with('"') && after.starts_with('"');
        starts && ends && !is_denial && !is_value
    })
}

/// Returns everything that is written for people: comments and strings of the code, snapshots, prose.
fn texts() -> Vec<(String, Vec<Piece>)> {
    let mut texts = Vec::new();
    for source in sources("src").iter().chain(&sources("examples")) {
        let parts = take_apart(&source.code);
        let mut pieces = paragraphs(parts.comments);
        pieces.extend(parts.strings.into_iter().map(|piece| unwrapped(&piece)));
        texts.push((source.path.clone(), pieces));
    }
    for source in sources("tests") {
        let snapshots = take_apart(&source.code).snapshots.into_iter();
        texts.push((
            source.path,
            snapshots.map(|piece| unwrapped(&piece)).collect(),
        ));
    }
    for path in [
        "README.md",
        ".github/CONTRIBUTING.md",
        ".github/SECURITY.md",
    ] {
        let file = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        let lines = text.lines().zip(1..).map(|(line, number)| Piece {
            text: line.to_owned(),
            line: number,
        });
        texts.push((path.to_owned(), blocks(lines)));
    }
    texts
}

/// Joins comments on neighbouring lines.
fn paragraphs(comments: Vec<Piece>) -> Vec<Piece> {
    let bare = |comment: Piece| Piece {
        text: comment
            .text
            .trim_start_matches(['/', '!', '*'])
            .trim()
            .to_owned(),
        line: comment.line,
    };
    blocks(comments.into_iter().map(bare))
}

/// Joins lines that follow each other, up to an empty one.
fn blocks(lines: impl Iterator<Item = Piece>) -> Vec<Piece> {
    let mut joined: Vec<Piece> = Vec::new();
    let mut last = 0;
    for piece in lines {
        match joined.last_mut() {
            Some(block)
                if piece.line == last + 1 && !piece.text.is_empty() && !block.text.is_empty() =>
            {
                block.text.push(' ');
                block.text.push_str(&piece.text);
            }
            _ => joined.push(Piece {
                text: piece.text,
                line: piece.line,
            }),
        }
        last = piece.line;
    }
    joined
}

/// Takes line breaks and what indents them out of a string.
fn unwrapped(piece: &Piece) -> Piece {
    let text = piece.text.replace("\\\n", " ").replace("\\n", " ");
    let words: Vec<_> = text.split_whitespace().collect();
    Piece {
        text: words.join(" "),
        line: piece.line,
    }
}
