//! Help: every command explains itself, with examples.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn the_top_names_every_command() {
    assert_snapshot!(Pf::bare().run(&["-h"]), @"
    exit: 0
    --- stdout
    Publish, tail and consume CloudEvents, and triage dead letters

    Usage: pf [OPTIONS] <COMMAND>

    Commands:
      publish      Publish one event, or a stream of them
      request      Publish a request, and print its replies
      tail         Show events as they arrive, or stored ones
      consume      Run a command for each event of a group
      dlq          List, show, replay and purge dead letters
      outbox       Publish what a database's own transactions stored: transactional outboxes
      inbox        Keys of handled events in your own database, so that an effect is made once
      schedule     List, show, reschedule and cancel delayed events
      caps         Show what the transport can do
      context      Manage named stores
      doctor       Check the store and the outbox and report problems with the command that fixes each
      demo         Run a demo: a retry, a delay, a dead letter and its replay
      completions  Print a completion script for a shell
      man          Print the manual page, or write the pages of all commands to a folder
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --url <URL>                   The store, as in `sqlite:events.db` [env: PF_URL]
          --context <NAME>              The store with this context name, see `pf context` [env:
                                        PF_CONTEXT]
          --connect-timeout <DURATION>  Time to wait for the store to answer [default: set by the URL,
                                        else 5s]
      -o, --output <FORMAT>             Output format [env: PF_OUTPUT] [possible values: text, json,
                                        event, data, raw, batch, prometheus]
      -q, --quiet                       Print no notices; warnings, errors and their hints stay
          --color <WHEN>                When to use colour [default: auto] [possible values: auto,
                                        always, never]
          --log <FILTER>                Write a log to stderr; a level or filter such as `debug` or
                                        `protoflow=trace` [env: PF_LOG]

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
      2  wrong usage of the command line
      3  time limit reached, too few events, or a limit of `pf dlq check` exceeded
      4  partly done
      5  the transport does not support the request
     69  the transport does not answer
     77  permission denied: wrong user or password, or the store is read-only
     78  configuration error
    130  interrupted by SIGINT before everything was finished (143: by SIGTERM)
    141  stdout was closed by its reader
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
      [DATA]  The data; `-` reads stdin, which is the default unless stdin is a terminal

    Options:
          --no-data                 Publish without data
          --delay <DURATION>        Deliver after this delay, such as `90s`
          --at <TIME>               Deliver at this time, such as `[TIME]` or `tomorrow
                                    09:00`
          --topic <TOPIC>           The topic [default: the type]
          --source <URI>            The source of the event [default: `//HOST/pf`]
          --subject <SUBJECT>       The subject of the event
          --id <ID>                 The id of the event [default: a ULID]
          --key <KEY>               The key: events with the same key are kept in order [default:
                                    `partitionkey`, else the subject]
          --time <TIME>             When it happened: a time such as `[TIME]`, or an age
                                    such as `5m` [default: now]
          --dataschema <URI>        The URI of the schema of the data
          --correlation-id <ID>     The correlation id, which related events share
          --extension <NAME=VALUE>  Add an extension attribute; `NAME=VALUE` is text, `NAME:=JSON` a
                                    number or a boolean
          --header <NAME=VALUE>     Add a transport header
          --allow-broker-headers    Allow headers that the broker interprets (`Nats-*`)
          --require-consumer        Refuse an event that would be dropped because no consumer covers its
                                    topic (JetStream, interest retention)
          --dedup                   Do not store an event whose topic, source and id were published with
                                    this flag before; `pf caps` says for how long they are known
          --mode <MODE>             How the event is encoded [default: set by the URL, else structured]
                                    [possible values: structured, binary, protobuf, hexa]
          --content-type <TYPE>     The content type of the data; only JSON is validated [default:
                                    application/json]
          --max-size <SIZE>         Refuse data and lines longer than this, such as `4M` (bytes)
                                    [default: 1M]
          --create                  Create the topic if it does not exist
          --dry-run                 Check everything and show what would be published
      -h, --help                    Print help (see more with '--help')

    Streams:
          --lines            Each line of stdin, without its LF or CRLF, is the data of an event
          --ndjson           Each line of stdin is an event, or a record of `-o json`; pretty-printed
                             events, JSON arrays of events and JSON text sequences are read too
          --on-error <WHAT>  What to do when a line cannot be published [default: stop] [possible
                             values: stop, continue]
          --rate <N>         At most N events per second
          --ordered          Send an event only after the previous one of its key is confirmed, so that
                             order is kept even if the connection is lost

    Protobuf:
          --proto <FILE>       A schema file (`.proto`): the data of its messages is JSON here, and
                               bytes in the store
      -I, --proto-path <DIR>   A folder in which schema files and their imports are looked up [default:
                               that of each file]
          --protoset <FILE>    A descriptor set, as `buf build` and `protoc --include_imports
                               --descriptor_set_out` write it
          --message <MESSAGE>  The message that the data is, as in `shop.v1.Order`, or
                               'order.*=shop.v1.Order' for some topics [default: the one that
                               `dataschema` names]

    Global options:
          --url <URL>                   The store, as in `sqlite:events.db` [env: PF_URL]
          --context <NAME>              The store with this context name, see `pf context` [env:
                                        PF_CONTEXT]
          --connect-timeout <DURATION>  Time to wait for the store to answer [default: set by the URL,
                                        else 5s]
      -o, --output <FORMAT>             Output format [env: PF_OUTPUT] [possible values: text, json,
                                        event, data, raw, batch, prometheus]
      -q, --quiet                       Print no notices; warnings, errors and their hints stay
          --color <WHEN>                When to use colour [default: auto] [possible values: auto,
                                        always, never]
          --log <FILTER>                Write a log to stderr; a level or filter such as `debug` or
                                        `protoflow=trace` [env: PF_LOG]

    Examples:
      pf publish order.created '{"order":1}'
      pf publish order.created < order.json
      pf publish reminder.due '{}' --delay 15m
      pf publish order.created --lines < orders.ndjson
      pf tail order.created --until-end -o json | pf publish --ndjson --url nats://localhost

    Exit codes: 0 all published, 1 none, 4 some, or a value of several lines is malformed.

    --- stderr
    "#);
}

#[test]
fn tail_explains_itself() {
    assert_snapshot!(Pf::bare().run(&["tail", "-h"]), @"
    exit: 0
    --- stdout
    Show events as they arrive, or stored ones

    Usage: pf tail [OPTIONS] [PATTERN]...

    Arguments:
      [PATTERN]...  Topics, as in `order.created`, 'order.*' or 'order.**' [default: all]

    Options:
          --since <TIME>        Start with events stored at this time or this long ago; `earliest` is
                                the oldest one
          --until <TIME>        End at events stored at this time or this long ago
          --last <N>            Start with the last N events
      -n, --count <N>           End after N events
          --until-end           End after the events that were stored at the start
          --timeout <DURATION>  End after this time; exit 3 if `--count` or `--until-end` was not
                                reached
          --where <JQ>          Show only events that match this jq filter on the record of `-o json`
          --create              Create the store if it does not exist, and wait
      -h, --help                Print help (see more with '--help')

    Protobuf:
          --proto <FILE>       A schema file (`.proto`): the data of its messages is JSON here, and
                               bytes in the store
      -I, --proto-path <DIR>   A folder in which schema files and their imports are looked up [default:
                               that of each file]
          --protoset <FILE>    A descriptor set, as `buf build` and `protoc --include_imports
                               --descriptor_set_out` write it
          --message <MESSAGE>  The message that the data is, as in `shop.v1.Order`, or
                               'order.*=shop.v1.Order' for some topics [default: the one that
                               `dataschema` names]

    Global options:
          --url <URL>                   The store, as in `sqlite:events.db` [env: PF_URL]
          --context <NAME>              The store with this context name, see `pf context` [env:
                                        PF_CONTEXT]
          --connect-timeout <DURATION>  Time to wait for the store to answer [default: set by the URL,
                                        else 5s]
      -o, --output <FORMAT>             Output format [env: PF_OUTPUT] [possible values: text, json,
                                        event, data, raw, batch, prometheus]
      -q, --quiet                       Print no notices; warnings, errors and their hints stay
          --color <WHEN>                When to use colour [default: auto] [possible values: auto,
                                        always, never]
          --log <FILTER>                Write a log to stderr; a level or filter such as `debug` or
                                        `protoflow=trace` [env: PF_LOG]

    Examples:
      pf tail                                   everything from now on
      pf tail 'order.*' --since 1h              from one hour ago on
      pf tail order.created --last 5 --until-end
      pf tail --until-end -o json               everything stored, one record per line
      pf tail order.created --until-end -o batch > events.json
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
