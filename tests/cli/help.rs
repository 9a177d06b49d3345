//! Help: every command explains itself, with examples.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn the_top_names_every_command() {
    assert_snapshot!(Pf::bare().run(&["-h"]), @"
    exit: 0
    --- stdout
    Publish, tail and consume CloudEvents, and triage what failed

    Usage: pf [OPTIONS] <COMMAND>

    Commands:
      publish      Publish one event, or a stream of them
      tail         Show events as they come, or those that are stored
      consume      Run a command for each event of a group
      dlq          Look at dead letters, publish them again, or delete them
      schedule     Look at events that wait for their time, move or cancel them
      caps         Show what the transport can do
      context      Give stores a name
      doctor       Check the store, and say what will bite
      demo         Show the whole story: a retry, a delay, a dead letter and its replay
      completions  Print a completion script for a shell
      man          Print the manual page, or write the pages of all commands into a folder
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --url <URL>                   The store, as in `sqlite:events.db` [env: PF_URL]
          --context <NAME>              A store by the name that `pf context add` gave it [env:
                                        PF_CONTEXT]
          --connect-timeout <DURATION>  How long to wait for the store to answer [default: what the URL
                                        says, else 5s]
      -o, --output <FORMAT>             How to write data [env: PF_OUTPUT] [possible values: text, json,
                                        event, data, raw]
      -q, --quiet                       Leave out remarks; errors and their hints stay
          --color <WHEN>                When to use colour [default: auto] [possible values: auto,
                                        always, never]
          --log <FILTER>                Write a log to stderr, as in `debug` or `protoflow=trace` [env:
                                        PF_LOG]

    --- stderr
    ");
}

#[test]
fn every_exit_code_is_explained() {
    let help = Pf::bare().run(&["--help"]).succeeded();
    let (_, codes) = help.stdout().split_once("Exit codes:\n").unwrap();
    assert_snapshot!(codes, @"
      0  all done
      1  failed, nothing done
      2  the command line makes no sense
      3  the time was up, or too few events came
      4  partly done
      5  the transport cannot do what was asked
     69  the transport does not answer
     77  not allowed: user or password refused, or the store is read-only
     78  the configuration does not fit
    130  interrupted (143: terminated) before everything was finished
    141  whoever read the output has gone away
    ");
}

#[test]
#[expect(clippy::too_many_lines, reason = "the help is that long")]
fn publish_explains_itself() {
    assert_snapshot!(Pf::bare().run(&["publish", "-h"]), @r#"
    exit: 0
    --- stdout
    Publish one event, or a stream of them

    Usage: pf publish [OPTIONS] [TYPE] [DATA]

    Arguments:
      [TYPE]  The type of the event
      [DATA]  The data; `-`, or nothing when stdin is no terminal, reads stdin

    Options:
          --no-data                 Publish without data
          --delay <DURATION>        Deliver no sooner than after this time, as in `90s`
          --at <TIME>               Deliver no sooner than at this time, as in `[TIME]` or
                                    `tomorrow 09:00`
          --topic <TOPIC>           The topic [default: the type]
          --source <URI>            Where the event comes from [default: `//HOST/pf`]
          --subject <SUBJECT>       What the event is about
          --id <ID>                 The id of the event [default: a ULID]
          --key <KEY>               What keeps related events in order [default: `partitionkey`, else
                                    the subject]
          --correlation-id <ID>     What this event belongs to
          --extension <NAME=VALUE>  Adds an extension attribute
          --header <NAME=VALUE>     Adds a transport header
          --allow-broker-headers    Let headers through that the broker reads as commands (`Nats-*`)
          --require-consumer        Refuse an event that would be dropped because no consumer covers its
                                    topic (JetStream, interest retention)
          --mode <MODE>             How the event is laid out [default: as the URL says, else
                                    structured] [possible values: structured, binary]
          --content-type <TYPE>     What the data is; other than JSON, it is not checked [default:
                                    application/json]
          --max-size <SIZE>         Refuse data and lines that are longer, in bytes, as in `4M`
                                    [default: 1M]
          --create                  Make the topic if it is not there
          --dry-run                 Check everything and show what would be published
      -h, --help                    Print help (see more with '--help')

    Streams:
          --lines            Each line of stdin, without its LF or CRLF, is the data of an event
          --ndjson           Each line of stdin is an event, or a record of `-o json`
          --on-error <WHAT>  What to do when a line cannot be published [default: stop] [possible
                             values: stop, continue]
          --rate <N>         At most so many events per second
          --ordered          Send an event only once the one before it of its key is confirmed: order
                             holds also where a connection is lost meanwhile

    Global options:
          --url <URL>                   The store, as in `sqlite:events.db` [env: PF_URL]
          --context <NAME>              A store by the name that `pf context add` gave it [env:
                                        PF_CONTEXT]
          --connect-timeout <DURATION>  How long to wait for the store to answer [default: what the URL
                                        says, else 5s]
      -o, --output <FORMAT>             How to write data [env: PF_OUTPUT] [possible values: text, json,
                                        event, data, raw]
      -q, --quiet                       Leave out remarks; errors and their hints stay
          --color <WHEN>                When to use colour [default: auto] [possible values: auto,
                                        always, never]
          --log <FILTER>                Write a log to stderr, as in `debug` or `protoflow=trace` [env:
                                        PF_LOG]

    Examples:
      pf publish order.created '{"order":1}'
      pf publish order.created < order.json
      pf publish reminder.due '{}' --delay 15m
      pf publish order.created --lines < orders.ndjson
      pf tail order.created --until-end -o json | pf publish --ndjson --url nats://localhost

    Exit codes: 0 all published, 1 none, 4 some.

    --- stderr
    "#);
}

#[test]
fn tail_explains_itself() {
    assert_snapshot!(Pf::bare().run(&["tail", "-h"]), @"
    exit: 0
    --- stdout
    Show events as they come, or those that are stored

    Usage: pf tail [OPTIONS] [PATTERN]...

    Arguments:
      [PATTERN]...  Topics, as in `order.created`, 'order.*' or 'order.**' [default: all]

    Options:
          --since <TIME>        Begin with events stored so long ago or at this time; `earliest` is the
                                oldest kept
          --until <TIME>        End before events stored at this time
          --last <N>            Begin with the last N events
      -n, --count <N>           End after N events
          --until-end           End after what was there at the start
          --timeout <DURATION>  End after so long; exit 3 when `--count` or `--until-end` was not
                                reached
          --where <JQ>          Show only events for which this jq filter on the record of `-o json`
                                holds
          --create              Make the store if it is not there, and wait
      -h, --help                Print help (see more with '--help')

    Global options:
          --url <URL>                   The store, as in `sqlite:events.db` [env: PF_URL]
          --context <NAME>              A store by the name that `pf context add` gave it [env:
                                        PF_CONTEXT]
          --connect-timeout <DURATION>  How long to wait for the store to answer [default: what the URL
                                        says, else 5s]
      -o, --output <FORMAT>             How to write data [env: PF_OUTPUT] [possible values: text, json,
                                        event, data, raw]
      -q, --quiet                       Leave out remarks; errors and their hints stay
          --color <WHEN>                When to use colour [default: auto] [possible values: auto,
                                        always, never]
          --log <FILTER>                Write a log to stderr, as in `debug` or `protoflow=trace` [env:
                                        PF_LOG]

    Examples:
      pf tail                                   everything from now on
      pf tail 'order.*' --since 1h              one hour back, and on
      pf tail order.created --last 5 --until-end
      pf tail --until-end -o json               all that is stored, one record per line
      pf tail --where '.event.data.total > 100'
      pf tail order.created --count 1 --timeout 30s || echo 'none came'

    Patterns: `*` stands for one token of a topic, `**` at the end for one or more.

    --- stderr
    ");
}

#[test]
fn every_command_has_examples() {
    let top = Pf::bare().run(&["-h"]).succeeded();
    let commands = top
        .stdout()
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help");
    for command in commands {
        let help = Pf::bare().run(&[command, "--help"]).succeeded();
        assert!(help.stdout().contains("\n  pf "), "{command}");
    }
}
