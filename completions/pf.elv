
use builtin;
use str;

set edit:completion:arg-completer[pf] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'pf'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'pf'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand publish 'Publish one event, or a stream of them'
            cand tail 'Show events as they come, or those that are stored'
            cand consume 'Run a command for each event of a group'
            cand caps 'Show what the transport can do'
            cand doctor 'Check the store, and say what will bite'
            cand demo 'Show the whole story: a retry, a delay, a dead letter and its replay'
            cand completions 'Print a completion script for a shell'
            cand man 'Print the manual page, or write the pages of all commands into a folder'
            cand dlq 'Look at dead letters, publish them again, or delete them'
            cand schedule 'Look at events that wait for their time, move or cancel them'
            cand context 'Give stores a name'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;publish'= {
            cand --on-error 'What to do when a line cannot be published'
            cand --rate 'At most so many events per second'
            cand --delay 'Deliver no sooner than after this time, as in `90s`'
            cand --at 'Deliver no sooner than at this time, as in `2026-03-01T09:00:00Z` or `tomorrow 09:00`'
            cand --topic 'The topic [default: the type]'
            cand --source 'Where the event comes from [default: `//HOST/pf`]'
            cand --subject 'What the event is about'
            cand --id 'The id of the event [default: a ULID]'
            cand --key 'What keeps related events in order [default: `partitionkey`, else the subject]'
            cand --correlation-id 'What this event belongs to'
            cand --extension 'Adds an extension attribute'
            cand --header 'Adds a transport header'
            cand --mode 'How the event is laid out [default: as the URL says, else structured]'
            cand --content-type 'What the data is; other than JSON, it is not checked'
            cand --max-size 'Refuse data and lines that are longer, in bytes, as in `4M`'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --lines 'Each line of stdin, without its LF or CRLF, is the data of an event'
            cand --ndjson 'Each line of stdin is an event, or a record of `-o json`'
            cand --ordered 'Send an event only once the one before it of its key is confirmed: order holds also where a connection is lost meanwhile'
            cand --no-data 'Publish without data'
            cand --allow-broker-headers 'Let headers through that the broker reads as commands (`Nats-*`)'
            cand --require-consumer 'Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)'
            cand --create 'Make the topic if it is not there'
            cand --dry-run 'Check everything and show what would be published'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;tail'= {
            cand --since 'Begin with events stored so long ago or at this time; `earliest` is the oldest kept'
            cand --until 'End before events stored at this time'
            cand --last 'Begin with the last N events'
            cand -n 'End after N events'
            cand --count 'End after N events'
            cand --timeout 'End after so long; exit 3 when `--count` or `--until-end` was not reached'
            cand --where 'Show only events for which this jq filter on the record of `-o json` holds'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --until-end 'End after what was there at the start'
            cand --create 'Make the store if it is not there, and wait'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;consume'= {
            cand -g 'Consumers of one group share its events [env: PF_GROUP]'
            cand --group 'Consumers of one group share its events [env: PF_GROUP]'
            cand -j 'Run so many at the same time, of different keys'
            cand --jobs 'Run so many at the same time, of different keys'
            cand --instance 'Name of this member, whose partitions wait for it while it restarts (Kafka)'
            cand --from 'Where a new group starts: earliest, new, a time, or an age such as 2h'
            cand --max-attempts 'Runs that an event gets before it is a dead letter [default: the event''s own, else 3]'
            cand --backoff 'Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause [default: 1s..5m*2]'
            cand --handler-timeout 'A run that takes longer is ended and has failed'
            cand --on-exit 'What exit statuses mean, as in 3=dlq,4=retry:30s,5=ack,6=skip,7=stop'
            cand --count 'End after so many events are done'
            cand --timeout 'End after this long, with 3'
            cand --grace 'How long a stop waits for runs to end'
            cand --stdin 'What the command finds on its stdin'
            cand --naming 'Attribute names on stdin: lawful in CloudEvents, or those of the Go library (`pf_attempt`)'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --ordered 'A retry holds up the later events of its key'
            cand --emit 'Publish the events that the command writes to stdout, before its own event is done'
            cand --until-end 'End when everything stored at the start is done, with the retries of what was taken'
            cand --create 'Make the store and its topics if they are not there'
            cand --plain 'Hand over messages that are no CloudEvents, wrapped in one'
            cand --worker 'Keep the command running, once per job: a line in, a line out'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;caps'= {
            cand --require 'Exit 5 unless all of these can be had; `delay:native` unless the broker itself does it'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --offline 'Ask no server: what this build knows about the transport'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;doctor'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --fix 'Mend what can be mended from here'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;demo'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;completions'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;man'= {
            cand --dir 'The folder'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'List dead letters, oldest first, without their payloads'
            cand show 'Show everything about dead letters, payload included'
            cand stats 'Count dead letters by topic, group, kind and sort of failure'
            cand replay 'Publish dead letters again, to the group that failed where the transport can do that'
            cand purge 'Delete dead letters for good'
            cand capture 'Make dead letters of what consumers of other programs gave up'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;dlq;list'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics that they were consumed from, as in `order.*`'
            cand --group 'The group that gave up'
            cand --type 'The type of the event'
            cand --reason 'A part of the failure''s message or class, in any letter case'
            cand --kind 'Why they were given up'
            cand --fingerprint 'The sort of failure, as `pf dlq stats` shows it'
            cand --since 'Dead since then: `1h` ago, or a time'
            cand --until 'Dead before then'
            cand --attempts 'At least so many failed runs, replays included'
            cand --where 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --limit 'End after so many'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;show'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics that they were consumed from, as in `order.*`'
            cand --group 'The group that gave up'
            cand --type 'The type of the event'
            cand --reason 'A part of the failure''s message or class, in any letter case'
            cand --kind 'Why they were given up'
            cand --fingerprint 'The sort of failure, as `pf dlq stats` shows it'
            cand --since 'Dead since then: `1h` ago, or a time'
            cand --until 'Dead before then'
            cand --attempts 'At least so many failed runs, replays included'
            cand --where 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --all 'Show every dead letter'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;stats'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics that they were consumed from, as in `order.*`'
            cand --group 'The group that gave up'
            cand --type 'The type of the event'
            cand --reason 'A part of the failure''s message or class, in any letter case'
            cand --kind 'Why they were given up'
            cand --fingerprint 'The sort of failure, as `pf dlq stats` shows it'
            cand --since 'Dead since then: `1h` ago, or a time'
            cand --until 'Dead before then'
            cand --attempts 'At least so many failed runs, replays included'
            cand --where 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --top 'Show so many rows, the most frequent first; `-o json` shows all'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;replay'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics that they were consumed from, as in `order.*`'
            cand --group 'The group that gave up'
            cand --type 'The type of the event'
            cand --reason 'A part of the failure''s message or class, in any letter case'
            cand --kind 'Why they were given up'
            cand --fingerprint 'The sort of failure, as `pf dlq stats` shows it'
            cand --since 'Dead since then: `1h` ago, or a time'
            cand --until 'Dead before then'
            cand --attempts 'At least so many failed runs, replays included'
            cand --where 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --rate 'Letters per second'
            cand --to 'Publish to another topic'
            cand --max-replays 'Leave out letters that were replayed so often already'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --all 'Every dead letter of the store'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -n 'Show the plan and do nothing'
            cand --dry-run 'Show the plan and do nothing'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;purge'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics that they were consumed from, as in `order.*`'
            cand --group 'The group that gave up'
            cand --type 'The type of the event'
            cand --reason 'A part of the failure''s message or class, in any letter case'
            cand --kind 'Why they were given up'
            cand --fingerprint 'The sort of failure, as `pf dlq stats` shows it'
            cand --since 'Dead since then: `1h` ago, or a time'
            cand --until 'Dead before then'
            cand --attempts 'At least so many failed runs, replays included'
            cand --where 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --rate 'Letters per second'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --all 'Every dead letter of the store'
            cand -y 'Do not ask'
            cand --yes 'Do not ask'
            cand -n 'Show the plan and do nothing'
            cand --dry-run 'Show the plan and do nothing'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;capture'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --until-end 'End after what was given up until now'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;help'= {
            cand list 'List dead letters, oldest first, without their payloads'
            cand show 'Show everything about dead letters, payload included'
            cand stats 'Count dead letters by topic, group, kind and sort of failure'
            cand replay 'Publish dead letters again, to the group that failed where the transport can do that'
            cand purge 'Delete dead letters for good'
            cand capture 'Make dead letters of what consumers of other programs gave up'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;dlq;help;list'= {
        }
        &'pf;dlq;help;show'= {
        }
        &'pf;dlq;help;stats'= {
        }
        &'pf;dlq;help;replay'= {
        }
        &'pf;dlq;help;purge'= {
        }
        &'pf;dlq;help;capture'= {
        }
        &'pf;dlq;help;help'= {
        }
        &'pf;schedule'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'List events that wait for their time, the next one first'
            cand show 'Show events that wait for their time, payload included'
            cand cancel 'Cancel events that wait for their time'
            cand reschedule 'Give an event that waits another time'
            cand run 'Deliver what is due, where somebody must be running for that'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;schedule;list'= {
            cand --topic 'Only events for these topics'
            cand --where 'Only events for which this jq filter on the record of `-o json` holds'
            cand --limit 'End after so many'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;show'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;cancel'= {
            cand --ids 'Read ids from a file, one per line; `-` is stdin'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;reschedule'= {
            cand --delay 'Deliver no sooner than after this time from now, as in `90s`'
            cand --at 'Deliver no sooner than at this time, as in `2026-03-01T09:00:00Z` or `tomorrow 09:00`'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;run'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;help'= {
            cand list 'List events that wait for their time, the next one first'
            cand show 'Show events that wait for their time, payload included'
            cand cancel 'Cancel events that wait for their time'
            cand reschedule 'Give an event that waits another time'
            cand run 'Deliver what is due, where somebody must be running for that'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;schedule;help;list'= {
        }
        &'pf;schedule;help;show'= {
        }
        &'pf;schedule;help;cancel'= {
        }
        &'pf;schedule;help;reschedule'= {
        }
        &'pf;schedule;help;run'= {
        }
        &'pf;schedule;help;help'= {
        }
        &'pf;context'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand add 'Name a store; an existing name is given the new store'
            cand use 'Use a context from now on'
            cand list 'Show every context'
            cand show 'Show one context, or the one in use'
            cand remove 'Forget a context; the store is not touched'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;context;add'= {
            cand --group 'The group of its consumers'
            cand --password-file 'A file that holds the password'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand --ask-password 'Ask for the password whenever it is needed'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;use'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;list'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;show'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;remove'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]'
            cand --connect-timeout 'How long to wait for the store to answer [default: what the URL says, else 5s]'
            cand -o 'How to write data'
            cand --output 'How to write data'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr, as in `debug` or `protoflow=trace`'
            cand -q 'Leave out remarks; errors and their hints stay'
            cand --quiet 'Leave out remarks; errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;help'= {
            cand add 'Name a store; an existing name is given the new store'
            cand use 'Use a context from now on'
            cand list 'Show every context'
            cand show 'Show one context, or the one in use'
            cand remove 'Forget a context; the store is not touched'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;context;help;add'= {
        }
        &'pf;context;help;use'= {
        }
        &'pf;context;help;list'= {
        }
        &'pf;context;help;show'= {
        }
        &'pf;context;help;remove'= {
        }
        &'pf;context;help;help'= {
        }
        &'pf;help'= {
            cand publish 'Publish one event, or a stream of them'
            cand tail 'Show events as they come, or those that are stored'
            cand consume 'Run a command for each event of a group'
            cand caps 'Show what the transport can do'
            cand doctor 'Check the store, and say what will bite'
            cand demo 'Show the whole story: a retry, a delay, a dead letter and its replay'
            cand completions 'Print a completion script for a shell'
            cand man 'Print the manual page, or write the pages of all commands into a folder'
            cand dlq 'Look at dead letters, publish them again, or delete them'
            cand schedule 'Look at events that wait for their time, move or cancel them'
            cand context 'Give stores a name'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;help;publish'= {
        }
        &'pf;help;tail'= {
        }
        &'pf;help;consume'= {
        }
        &'pf;help;caps'= {
        }
        &'pf;help;doctor'= {
        }
        &'pf;help;demo'= {
        }
        &'pf;help;completions'= {
        }
        &'pf;help;man'= {
        }
        &'pf;help;dlq'= {
            cand list 'List dead letters, oldest first, without their payloads'
            cand show 'Show everything about dead letters, payload included'
            cand stats 'Count dead letters by topic, group, kind and sort of failure'
            cand replay 'Publish dead letters again, to the group that failed where the transport can do that'
            cand purge 'Delete dead letters for good'
            cand capture 'Make dead letters of what consumers of other programs gave up'
        }
        &'pf;help;dlq;list'= {
        }
        &'pf;help;dlq;show'= {
        }
        &'pf;help;dlq;stats'= {
        }
        &'pf;help;dlq;replay'= {
        }
        &'pf;help;dlq;purge'= {
        }
        &'pf;help;dlq;capture'= {
        }
        &'pf;help;schedule'= {
            cand list 'List events that wait for their time, the next one first'
            cand show 'Show events that wait for their time, payload included'
            cand cancel 'Cancel events that wait for their time'
            cand reschedule 'Give an event that waits another time'
            cand run 'Deliver what is due, where somebody must be running for that'
        }
        &'pf;help;schedule;list'= {
        }
        &'pf;help;schedule;show'= {
        }
        &'pf;help;schedule;cancel'= {
        }
        &'pf;help;schedule;reschedule'= {
        }
        &'pf;help;schedule;run'= {
        }
        &'pf;help;context'= {
            cand add 'Name a store; an existing name is given the new store'
            cand use 'Use a context from now on'
            cand list 'Show every context'
            cand show 'Show one context, or the one in use'
            cand remove 'Forget a context; the store is not touched'
        }
        &'pf;help;context;add'= {
        }
        &'pf;help;context;use'= {
        }
        &'pf;help;context;list'= {
        }
        &'pf;help;context;show'= {
        }
        &'pf;help;context;remove'= {
        }
        &'pf;help;help'= {
        }
    ]
    $completions[$command]
}
