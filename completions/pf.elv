
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
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand publish 'Publish one event, or a stream of them'
            cand request 'Publish a request, and print its replies'
            cand tail 'Show events as they arrive, or stored ones'
            cand consume 'Run a command for each event of a group'
            cand caps 'Show what the transport can do'
            cand doctor 'Check the store and the outbox and report problems with the command that fixes each'
            cand demo 'Run a demo: a retry, a delay, a dead letter and its replay'
            cand completions 'Print a completion script for a shell'
            cand man 'Print the manual page, or write the pages of all commands to a folder'
            cand outbox 'Publish what a database''s own transactions stored: transactional outboxes'
            cand inbox 'Keys of handled events in your own database, so that an effect is made once'
            cand dlq 'List, show, replay and purge dead letters'
            cand schedule 'List, show, reschedule and cancel delayed events'
            cand context 'Manage named stores'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;publish'= {
            cand --on-error 'What to do when a line cannot be published'
            cand --rate 'At most N events per second'
            cand --delay 'Deliver after this delay, such as `90s`'
            cand --at 'Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`'
            cand --topic 'The topic [default: the type]'
            cand --source 'The source of the event [default: `//HOST/pf`]'
            cand --subject 'The subject of the event'
            cand --id 'The id of the event [default: a ULID]'
            cand --key 'The key: events with the same key are kept in order [default: `partitionkey`, else the subject]'
            cand --time 'When it happened: a time such as `2026-03-01T09:00:00Z`, or an age such as `5m` [default: now]'
            cand --dataschema 'The URI of the schema of the data'
            cand --correlation-id 'The correlation id, which related events share'
            cand --extension 'Add an extension attribute; `NAME=VALUE` is text, `NAME:=JSON` a number or a boolean'
            cand --header 'Add a transport header'
            cand --mode 'How the event is encoded [default: set by the URL, else structured]'
            cand --content-type 'The content type of the data; only JSON is validated'
            cand --max-size 'Refuse data and lines longer than this, such as `4M` (bytes)'
            cand --proto 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store'
            cand -I 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --proto-path 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --protoset 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it'
            cand --message 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --lines 'Each line of stdin, without its LF or CRLF, is the data of an event'
            cand --ndjson 'Each line of stdin is an event, or a record of `-o json`; pretty-printed events, JSON arrays of events and JSON text sequences are read too'
            cand --ordered 'Send an event only after the previous one of its key is confirmed, so that order is kept even if the connection is lost'
            cand --no-data 'Publish without data'
            cand --allow-broker-headers 'Allow headers that the broker interprets (`Nats-*`)'
            cand --require-consumer 'Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)'
            cand --dedup 'Do not store an event whose topic, source and id were published with this flag before; `pf caps` says for how long they are known'
            cand --create 'Create the topic if it does not exist'
            cand --dry-run 'Check everything and show what would be published'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;request'= {
            cand --timeout 'How long to wait for replies'
            cand --replies 'How many replies to wait for; `all` prints what comes until the end of the time'
            cand --reply-topic 'The topic of the replies [default: `reply.` and the type]'
            cand --topic 'The topic of the request [default: the type]'
            cand --source 'The source of the request [default: `//HOST/pf`]'
            cand --subject 'The subject of the request'
            cand --id 'The id of the request [default: a ULID]'
            cand --correlation-id 'The correlation id, which related events share'
            cand --content-type 'The content type of the data; only JSON is validated'
            cand --proto 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store'
            cand -I 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --proto-path 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --protoset 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it'
            cand --message 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --create 'Create the topics of the request and of the replies if they do not exist'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;tail'= {
            cand --since 'Start with events stored at this time or this long ago; `earliest` is the oldest one'
            cand --until 'End at events stored at this time or this long ago'
            cand --last 'Start with the last N events'
            cand -n 'End after N events'
            cand --count 'End after N events'
            cand --timeout 'End after this time; exit 3 if `--count` or `--until-end` was not reached'
            cand --where 'Show only events that match this jq filter on the record of `-o json`'
            cand --proto 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store'
            cand -I 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --proto-path 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --protoset 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it'
            cand --message 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --until-end 'End after the events that were stored at the start'
            cand --create 'Create the store if it does not exist, and wait'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;consume'= {
            cand -g 'The group; its consumers share the events [env: PF_GROUP]'
            cand --group 'The group; its consumers share the events [env: PF_GROUP]'
            cand -j 'Handle up to N events at the same time, with different keys'
            cand --jobs 'Handle up to N events at the same time, with different keys'
            cand --instance 'Static name of this member, which keeps its partitions while it restarts (Kafka)'
            cand --from 'Start of a new group: earliest, new, a time, or an age such as 2h'
            cand --max-attempts 'Attempts before an event is dead-lettered [default: set by the event, else 3]'
            cand --backoff 'Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause [default: 1s..5m*2]'
            cand --breaker-failures 'Open the breaker after N final failures in a row; 0 ignores such rows [default: 20]'
            cand --breaker-share 'Open the breaker when more than this share of recent events failed finally [default: 50%/100]'
            cand --dedup 'Handle an event once, however often it is stored: keep marks of what was handled, for WINDOW [default: 7d]. A copy is acknowledged without a run (`pf caps`: dedup-handling)'
            cand --dedup-mode 'When to mark: with the settlement, or also before the run, so that none is repeated'
            cand --action 'Name of what the command does, by which copies are recognised [default: the group]'
            cand --handler-timeout 'Time limit of a run; a longer one is killed and counts as failed'
            cand --on-exit 'Actions for exit statuses, such as 3=dlq,4=retry:30s,5=ack,6=skip,7=stop'
            cand --reply-to 'Topics that a request may name [default: reply.**]'
            cand --count 'End after N events were acknowledged, skipped or dead-lettered'
            cand --timeout 'End after this time, with exit status 3'
            cand --grace 'Time that a stop waits for runs to finish'
            cand --where 'Handle only events that match this jq filter on the record of `-o json`; the others are acknowledged. All consumers of a group need the same filter'
            cand --expired 'What to do with an event whose `expirytime` has passed'
            cand --tombstones 'What to do with a message whose payload is null (on NATS, empty) and that is not an event [default: as with any message that is not a CloudEvent]'
            cand --stdin 'What the command gets on its stdin'
            cand --naming 'Attribute names on stdin: valid CloudEvents names, or those of the Go library (`pf_attempt`)'
            cand --proto 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store'
            cand -I 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --proto-path 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --protoset 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it'
            cand --message 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]'
            cand --metrics 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --ordered 'Keep order within a key: a retry delays its later events'
            cand --wait 'Wait while another consumer holds an exclusive subscription, and take over (Pulsar)'
            cand --no-breaker 'Handle all events, even if nearly every one fails'
            cand --emit 'Publish the events that the command writes to stdout, then acknowledge'
            cand --reply 'Reply to requests: each line that the command writes to stdout is the data of a reply. It is published to the topic that the request names (`replyto`), then the request is acknowledged'
            cand --no-reply-errors 'Send no reply that says why a request was dead-lettered'
            cand --until-end 'End when everything stored at the start is done, including its retries'
            cand --create 'Create the store and its topics if they do not exist'
            cand --plain 'Handle messages that are not CloudEvents, wrapped into one'
            cand --worker 'Keep one command per job running: an event in, an answer out, one line each'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;caps'= {
            cand --require 'Exit 5 unless all of these are supported; `delay:native` unless by the broker itself'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --offline 'Show what this build knows about the transport, without asking a server'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;doctor'= {
            cand --in 'Check only the outbox in this database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --fix 'Fix the problems that can be fixed from here'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;demo'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;completions'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;man'= {
            cand --dir 'The folder to write the pages to'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand create 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL'
            cand relay 'Publish the rows of an outbox, in the order of each key'
            cand status 'Show what waits in an outbox, who relays, and what holds up vacuum'
            cand list 'List rows that were refused'
            cand show 'Show a row: its event, and why it was refused'
            cand unblock 'Publish refused or parked rows again'
            cand park 'Park rows, so that they hold up nothing'
            cand clean 'Delete rows that were published and kept, 10,000 in a transaction'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;outbox;create'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --print 'Only print the SQL, with the rights of a writer and a relay'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;relay'= {
            cand --from 'The database of the outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --to 'The store to publish to, a URL or the name of a context [default: `--url` and its kin]'
            cand --keep 'Keep published rows, marked as sent, for this long; without it they are deleted'
            cand --shards 'Divide the outbox into N shards by key, each relayed by itself; the same for every relay'
            cand --lease 'How long a relay that died keeps its lease'
            cand --metrics 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --until-end 'End when nothing is left to be published now'
            cand --park 'Park a row that the target refuses for good, instead of holding up its key'
            cand --create 'Create missing topics and streams'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;status'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;list'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --limit 'End after N rows'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --parked 'Only parked rows'
            cand --all 'All rows that are not published'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;show'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;unblock'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;park'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;clean'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --older-than 'Only rows that were published longer ago than this'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;outbox;help'= {
            cand create 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL'
            cand relay 'Publish the rows of an outbox, in the order of each key'
            cand status 'Show what waits in an outbox, who relays, and what holds up vacuum'
            cand list 'List rows that were refused'
            cand show 'Show a row: its event, and why it was refused'
            cand unblock 'Publish refused or parked rows again'
            cand park 'Park rows, so that they hold up nothing'
            cand clean 'Delete rows that were published and kept, 10,000 in a transaction'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;outbox;help;create'= {
        }
        &'pf;outbox;help;relay'= {
        }
        &'pf;outbox;help;status'= {
        }
        &'pf;outbox;help;list'= {
        }
        &'pf;outbox;help;show'= {
        }
        &'pf;outbox;help;unblock'= {
        }
        &'pf;outbox;help;park'= {
        }
        &'pf;outbox;help;clean'= {
        }
        &'pf;outbox;help;help'= {
        }
        &'pf;inbox'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand create 'Create the table of an inbox, `pf_inbox`'
            cand clean 'Delete old keys, 10,000 in a transaction'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;inbox;create'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --print 'Only print the SQL, with the rights of a handler'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;inbox;clean'= {
            cand --in 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]'
            cand --older-than 'Only keys that were entered longer ago than this; later copies of their events are handled again'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;inbox;help'= {
            cand create 'Create the table of an inbox, `pf_inbox`'
            cand clean 'Delete old keys, 10,000 in a transaction'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;inbox;help;create'= {
        }
        &'pf;inbox;help;clean'= {
        }
        &'pf;inbox;help;help'= {
        }
        &'pf;dlq'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'List dead letters, oldest first, without their payloads'
            cand show 'Show everything about dead letters, with their payload'
            cand stats 'Count dead letters by topic, group, kind and fingerprint'
            cand replay 'Publish dead letters again, where possible only to the group that failed'
            cand purge 'Delete dead letters permanently'
            cand edit 'Edit the event of a dead letter in $VISUAL or $EDITOR'
            cand apply 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none'
            cand jobs 'List, show, resume and cancel replay and purge jobs'
            cand archive 'Put dead letters aside: only `--archived` shows them, until they are restored'
            cand restore 'Take dead letters out of the archive'
            cand fixed 'Call a failure fixed; the first new dead letter of it is marked as a regression'
            cand check 'Check dead letters against limits; exit 3 if one is exceeded'
            cand export 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`'
            cand import 'Store exported dead letters, each unless its id exists'
            cand log 'Show who changed which dead letters, when and why'
            cand policy 'Show, set or try the policy of the store: a guardrail for operators and scripts'
            cand capture 'Turn messages that other consumers gave up on into dead letters'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;dlq;list'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --limit 'End after N dead letters'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;show'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --proto 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store'
            cand -I 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --proto-path 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --protoset 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it'
            cand --message 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand --all 'Show every dead letter'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;stats'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --top 'Show the N most frequent rows; `-o json` shows all'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;replay'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --rate 'At most N dead letters per second'
            cand --plan 'Write the plan to a file instead of running it; `pf dlq apply` runs it'
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --metrics 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only'
            cand --to 'Publish to another topic'
            cand --max-replays 'Leave out dead letters that were replayed N times or more'
            cand --edit 'Edit the events first, by jq on the record, such as `.event.data.amount |= tonumber`'
            cand --stop-on-refail 'Stop when more than this share of what was replayed has died again, such as `20%`'
            cand --canary 'First run the command after `--` on copies of the first N dead letters, and replay only if it handles each; without a command, replay the first N, and the rest only once their group has handled them'
            cand --canary-timeout 'Without a command: how long the group may take to handle the first N [default: 5m]'
            cand --handler-timeout 'Time limit of a run; a longer one is killed and counts as failed'
            cand --on-exit 'Actions for exit statuses, as for `pf consume`'
            cand --stdin 'What the command gets on its stdin [default: event]'
            cand --proto 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store'
            cand -I 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --proto-path 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --protoset 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it'
            cand --message 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand --all 'Select every dead letter of the store'
            cand -y 'Do not ask for confirmation'
            cand --yes 'Do not ask for confirmation'
            cand -n 'Show the plan only'
            cand --dry-run 'Show the plan only'
            cand --emit 'Show the events that the command writes to stdout, and check that they could be published'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;purge'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --rate 'At most N dead letters per second'
            cand --plan 'Write the plan to a file instead of running it; `pf dlq apply` runs it'
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --metrics 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only'
            cand --older-than 'Those that were dead-lettered longer ago, such as `30d`: the same as `--until`'
            cand --export 'Export them to a new file first'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand --all 'Select every dead letter of the store'
            cand -y 'Do not ask for confirmation'
            cand --yes 'Do not ask for confirmation'
            cand -n 'Show the plan only'
            cand --dry-run 'Show the plan only'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;edit'= {
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;apply'= {
            cand --rate 'At most N dead letters per second'
            cand --canary 'First replay N, and the rest only once their group has handled them'
            cand --canary-timeout 'How long the group may take to handle the first N [default: 5m]'
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --metrics 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;jobs'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'List the jobs that have not ended'
            cand show 'Show a job, also one that has ended'
            cand resume 'Resume an interrupted job'
            cand cancel 'Cancel a job; what it has not resolved stays a dead letter'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;dlq;jobs;list'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --all 'Also those that have ended, from the log'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;jobs;show'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --verify 'Read the target of a replay again: is each message there exactly once? Exit 4 unless all are'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;jobs;resume'= {
            cand --rate 'At most N dead letters per second'
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --metrics 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;jobs;cancel'= {
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;jobs;help'= {
            cand list 'List the jobs that have not ended'
            cand show 'Show a job, also one that has ended'
            cand resume 'Resume an interrupted job'
            cand cancel 'Cancel a job; what it has not resolved stays a dead letter'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;dlq;jobs;help;list'= {
        }
        &'pf;dlq;jobs;help;show'= {
        }
        &'pf;dlq;jobs;help;resume'= {
        }
        &'pf;dlq;jobs;help;cancel'= {
        }
        &'pf;dlq;jobs;help;help'= {
        }
        &'pf;dlq;archive'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand --all 'Select every one'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;restore'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand --all 'Select every one'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;fixed'= {
            cand --in 'The version of the handler that fixes it'
            cand --note 'A remark for those who see it come back'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;check'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --max-depth 'At most N dead letters'
            cand --max-age 'None was dead-lettered longer ago, such as `1d`'
            cand --max-rate 'At most N were dead-lettered within the last span of time, such as `10/h` or `5/15m`'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand --no-regressions 'No dead letter of a failure that `pf dlq fixed` called fixed before'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;export'= {
            cand --ids 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin'
            cand --topic 'Topics of the original messages, such as `order.*`'
            cand --dead-letter-topic 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)'
            cand --group 'The group that dead-lettered them'
            cand --type 'The type of the event'
            cand --reason 'Part of the failure''s message or class, ignoring case'
            cand --kind 'Why they were dead-lettered'
            cand --fingerprint 'The fingerprint of the failure, as shown by `pf dlq stats`'
            cand --since 'Dead-lettered since then: an age such as `1h`, or a time'
            cand --until 'Dead-lettered before then'
            cand --attempts 'At least N failed runs, including those before replays'
            cand --where 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`'
            cand --mask 'Replace the values at this path of the record by `***`; may be given several times'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --archived 'Those that are archived, and no others'
            cand --all 'Export every dead letter of the store'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;import'= {
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -n 'Check the lines, and whether the store can hold them, without storing any'
            cand --dry-run 'Check the lines, and whether the store can hold them, without storing any'
            cand --skip-unfit 'Import the rest if the store cannot hold some of them; exit 4'
            cand --create 'Create the store if it does not exist'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;log'= {
            cand --last 'Only the last N entries'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;policy'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand show 'Show the policy of the store'
            cand set 'Set the policy of the store'
            cand test 'Read a policy without setting it, and say what it would forbid'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;dlq;policy;show'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;policy;set'= {
            cand --because 'Why, for the log of the store (`pf dlq log`)'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;policy;test'= {
            cand --to 'A topic that a replay would publish to'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;policy;help'= {
            cand show 'Show the policy of the store'
            cand set 'Set the policy of the store'
            cand test 'Read a policy without setting it, and say what it would forbid'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;dlq;policy;help;show'= {
        }
        &'pf;dlq;policy;help;set'= {
        }
        &'pf;dlq;policy;help;test'= {
        }
        &'pf;dlq;policy;help;help'= {
        }
        &'pf;dlq;capture'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --until-end 'End after the messages given up so far'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;dlq;help'= {
            cand list 'List dead letters, oldest first, without their payloads'
            cand show 'Show everything about dead letters, with their payload'
            cand stats 'Count dead letters by topic, group, kind and fingerprint'
            cand replay 'Publish dead letters again, where possible only to the group that failed'
            cand purge 'Delete dead letters permanently'
            cand edit 'Edit the event of a dead letter in $VISUAL or $EDITOR'
            cand apply 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none'
            cand jobs 'List, show, resume and cancel replay and purge jobs'
            cand archive 'Put dead letters aside: only `--archived` shows them, until they are restored'
            cand restore 'Take dead letters out of the archive'
            cand fixed 'Call a failure fixed; the first new dead letter of it is marked as a regression'
            cand check 'Check dead letters against limits; exit 3 if one is exceeded'
            cand export 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`'
            cand import 'Store exported dead letters, each unless its id exists'
            cand log 'Show who changed which dead letters, when and why'
            cand policy 'Show, set or try the policy of the store: a guardrail for operators and scripts'
            cand capture 'Turn messages that other consumers gave up on into dead letters'
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
        &'pf;dlq;help;edit'= {
        }
        &'pf;dlq;help;apply'= {
        }
        &'pf;dlq;help;jobs'= {
            cand list 'List the jobs that have not ended'
            cand show 'Show a job, also one that has ended'
            cand resume 'Resume an interrupted job'
            cand cancel 'Cancel a job; what it has not resolved stays a dead letter'
        }
        &'pf;dlq;help;jobs;list'= {
        }
        &'pf;dlq;help;jobs;show'= {
        }
        &'pf;dlq;help;jobs;resume'= {
        }
        &'pf;dlq;help;jobs;cancel'= {
        }
        &'pf;dlq;help;archive'= {
        }
        &'pf;dlq;help;restore'= {
        }
        &'pf;dlq;help;fixed'= {
        }
        &'pf;dlq;help;check'= {
        }
        &'pf;dlq;help;export'= {
        }
        &'pf;dlq;help;import'= {
        }
        &'pf;dlq;help;log'= {
        }
        &'pf;dlq;help;policy'= {
            cand show 'Show the policy of the store'
            cand set 'Set the policy of the store'
            cand test 'Read a policy without setting it, and say what it would forbid'
        }
        &'pf;dlq;help;policy;show'= {
        }
        &'pf;dlq;help;policy;set'= {
        }
        &'pf;dlq;help;policy;test'= {
        }
        &'pf;dlq;help;capture'= {
        }
        &'pf;dlq;help;help'= {
        }
        &'pf;schedule'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'List delayed events, the next one first'
            cand show 'Show delayed events with their payload'
            cand cancel 'Cancel delayed events'
            cand reschedule 'Change the delivery time of a delayed event'
            cand run 'Deliver due events, on transports that need a running process for it'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;schedule;list'= {
            cand --topic 'Only events for these topics'
            cand --where 'Only events that match this jq filter on the record of `-o json`'
            cand --limit 'End after N schedules'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;show'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;cancel'= {
            cand --ids 'Read ids from a file, one per line; `-` is stdin'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;reschedule'= {
            cand --delay 'Deliver after this delay from now, such as `90s`'
            cand --at 'Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;run'= {
            cand --metrics 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;schedule;help'= {
            cand list 'List delayed events, the next one first'
            cand show 'Show delayed events with their payload'
            cand cancel 'Cancel delayed events'
            cand reschedule 'Change the delivery time of a delayed event'
            cand run 'Deliver due events, on transports that need a running process for it'
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
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand add 'Add a named store, or replace it'
            cand use 'Make a context the default'
            cand list 'List all contexts'
            cand show 'Show a context, by default the one in use'
            cand remove 'Remove a context; the store itself is not touched'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;context;add'= {
            cand --group 'The default group of its consumers'
            cand --outbox 'The database of its outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`'
            cand --password-file 'A file that holds the password'
            cand --proto 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store'
            cand -I 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --proto-path 'A folder in which schema files and their imports are looked up [default: that of each file]'
            cand --protoset 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it'
            cand --message 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]'
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand --ask-password 'Prompt for the password when it is needed'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;use'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;list'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;show'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;remove'= {
            cand --url 'The store, as in `sqlite:events.db` [env: PF_URL]'
            cand --context 'The store with this context name, see `pf context` [env: PF_CONTEXT]'
            cand --connect-timeout 'Time to wait for the store to answer [default: set by the URL, else 5s]'
            cand -o 'Output format'
            cand --output 'Output format'
            cand --color 'When to use colour'
            cand --log 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`'
            cand -q 'Print no notices; warnings, errors and their hints stay'
            cand --quiet 'Print no notices; warnings, errors and their hints stay'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'pf;context;help'= {
            cand add 'Add a named store, or replace it'
            cand use 'Make a context the default'
            cand list 'List all contexts'
            cand show 'Show a context, by default the one in use'
            cand remove 'Remove a context; the store itself is not touched'
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
            cand request 'Publish a request, and print its replies'
            cand tail 'Show events as they arrive, or stored ones'
            cand consume 'Run a command for each event of a group'
            cand caps 'Show what the transport can do'
            cand doctor 'Check the store and the outbox and report problems with the command that fixes each'
            cand demo 'Run a demo: a retry, a delay, a dead letter and its replay'
            cand completions 'Print a completion script for a shell'
            cand man 'Print the manual page, or write the pages of all commands to a folder'
            cand outbox 'Publish what a database''s own transactions stored: transactional outboxes'
            cand inbox 'Keys of handled events in your own database, so that an effect is made once'
            cand dlq 'List, show, replay and purge dead letters'
            cand schedule 'List, show, reschedule and cancel delayed events'
            cand context 'Manage named stores'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'pf;help;publish'= {
        }
        &'pf;help;request'= {
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
        &'pf;help;outbox'= {
            cand create 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL'
            cand relay 'Publish the rows of an outbox, in the order of each key'
            cand status 'Show what waits in an outbox, who relays, and what holds up vacuum'
            cand list 'List rows that were refused'
            cand show 'Show a row: its event, and why it was refused'
            cand unblock 'Publish refused or parked rows again'
            cand park 'Park rows, so that they hold up nothing'
            cand clean 'Delete rows that were published and kept, 10,000 in a transaction'
        }
        &'pf;help;outbox;create'= {
        }
        &'pf;help;outbox;relay'= {
        }
        &'pf;help;outbox;status'= {
        }
        &'pf;help;outbox;list'= {
        }
        &'pf;help;outbox;show'= {
        }
        &'pf;help;outbox;unblock'= {
        }
        &'pf;help;outbox;park'= {
        }
        &'pf;help;outbox;clean'= {
        }
        &'pf;help;inbox'= {
            cand create 'Create the table of an inbox, `pf_inbox`'
            cand clean 'Delete old keys, 10,000 in a transaction'
        }
        &'pf;help;inbox;create'= {
        }
        &'pf;help;inbox;clean'= {
        }
        &'pf;help;dlq'= {
            cand list 'List dead letters, oldest first, without their payloads'
            cand show 'Show everything about dead letters, with their payload'
            cand stats 'Count dead letters by topic, group, kind and fingerprint'
            cand replay 'Publish dead letters again, where possible only to the group that failed'
            cand purge 'Delete dead letters permanently'
            cand edit 'Edit the event of a dead letter in $VISUAL or $EDITOR'
            cand apply 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none'
            cand jobs 'List, show, resume and cancel replay and purge jobs'
            cand archive 'Put dead letters aside: only `--archived` shows them, until they are restored'
            cand restore 'Take dead letters out of the archive'
            cand fixed 'Call a failure fixed; the first new dead letter of it is marked as a regression'
            cand check 'Check dead letters against limits; exit 3 if one is exceeded'
            cand export 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`'
            cand import 'Store exported dead letters, each unless its id exists'
            cand log 'Show who changed which dead letters, when and why'
            cand policy 'Show, set or try the policy of the store: a guardrail for operators and scripts'
            cand capture 'Turn messages that other consumers gave up on into dead letters'
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
        &'pf;help;dlq;edit'= {
        }
        &'pf;help;dlq;apply'= {
        }
        &'pf;help;dlq;jobs'= {
            cand list 'List the jobs that have not ended'
            cand show 'Show a job, also one that has ended'
            cand resume 'Resume an interrupted job'
            cand cancel 'Cancel a job; what it has not resolved stays a dead letter'
        }
        &'pf;help;dlq;jobs;list'= {
        }
        &'pf;help;dlq;jobs;show'= {
        }
        &'pf;help;dlq;jobs;resume'= {
        }
        &'pf;help;dlq;jobs;cancel'= {
        }
        &'pf;help;dlq;archive'= {
        }
        &'pf;help;dlq;restore'= {
        }
        &'pf;help;dlq;fixed'= {
        }
        &'pf;help;dlq;check'= {
        }
        &'pf;help;dlq;export'= {
        }
        &'pf;help;dlq;import'= {
        }
        &'pf;help;dlq;log'= {
        }
        &'pf;help;dlq;policy'= {
            cand show 'Show the policy of the store'
            cand set 'Set the policy of the store'
            cand test 'Read a policy without setting it, and say what it would forbid'
        }
        &'pf;help;dlq;policy;show'= {
        }
        &'pf;help;dlq;policy;set'= {
        }
        &'pf;help;dlq;policy;test'= {
        }
        &'pf;help;dlq;capture'= {
        }
        &'pf;help;schedule'= {
            cand list 'List delayed events, the next one first'
            cand show 'Show delayed events with their payload'
            cand cancel 'Cancel delayed events'
            cand reschedule 'Change the delivery time of a delayed event'
            cand run 'Deliver due events, on transports that need a running process for it'
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
            cand add 'Add a named store, or replace it'
            cand use 'Make a context the default'
            cand list 'List all contexts'
            cand show 'Show a context, by default the one in use'
            cand remove 'Remove a context; the store itself is not touched'
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
