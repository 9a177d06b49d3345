
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'pf' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'pf'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'pf' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('publish', 'publish', [CompletionResultType]::ParameterValue, 'Publish one event, or a stream of them')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Publish a request, and print its replies')
            [CompletionResult]::new('tail', 'tail', [CompletionResultType]::ParameterValue, 'Show events as they arrive, or stored ones')
            [CompletionResult]::new('consume', 'consume', [CompletionResultType]::ParameterValue, 'Run a command for each event of a group')
            [CompletionResult]::new('caps', 'caps', [CompletionResultType]::ParameterValue, 'Show what the transport can do')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check the store and the outbox and report problems with the command that fixes each')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run a demo: a retry, a delay, a dead letter and its replay')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write the pages of all commands to a folder')
            [CompletionResult]::new('outbox', 'outbox', [CompletionResultType]::ParameterValue, 'Publish what a database''s own transactions stored: transactional outboxes')
            [CompletionResult]::new('inbox', 'inbox', [CompletionResultType]::ParameterValue, 'Keys of handled events in your own database, so that an effect is made once')
            [CompletionResult]::new('dlq', 'dlq', [CompletionResultType]::ParameterValue, 'List, show, replay and purge dead letters')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'List, show, reschedule and cancel delayed events')
            [CompletionResult]::new('context', 'context', [CompletionResultType]::ParameterValue, 'Manage named stores')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;publish' {
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'What to do when a line cannot be published')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most N events per second')
            [CompletionResult]::new('--delay', '--delay', [CompletionResultType]::ParameterName, 'Deliver after this delay, such as `90s`')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'The topic [default: the type]')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'The source of the event [default: `//HOST/pf`]')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'The subject of the event')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'The id of the event [default: a ULID]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The key: events with the same key are kept in order [default: `partitionkey`, else the subject]')
            [CompletionResult]::new('--time', '--time', [CompletionResultType]::ParameterName, 'When it happened: a time such as `2026-03-01T09:00:00Z`, or an age such as `5m` [default: now]')
            [CompletionResult]::new('--dataschema', '--dataschema', [CompletionResultType]::ParameterName, 'The URI of the schema of the data')
            [CompletionResult]::new('--correlation-id', '--correlation-id', [CompletionResultType]::ParameterName, 'The correlation id, which related events share')
            [CompletionResult]::new('--extension', '--extension', [CompletionResultType]::ParameterName, 'Add an extension attribute; `NAME=VALUE` is text, `NAME:=JSON` a number or a boolean')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Add a transport header')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'How the event is encoded [default: set by the URL, else structured]')
            [CompletionResult]::new('--content-type', '--content-type', [CompletionResultType]::ParameterName, 'The content type of the data; only JSON is validated')
            [CompletionResult]::new('--max-size', '--max-size', [CompletionResultType]::ParameterName, 'Refuse data and lines longer than this, such as `4M` (bytes)')
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--proto-path', '--proto-path', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--protoset', '--protoset', [CompletionResultType]::ParameterName, 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Each line of stdin, without its LF or CRLF, is the data of an event')
            [CompletionResult]::new('--ndjson', '--ndjson', [CompletionResultType]::ParameterName, 'Each line of stdin is an event, or a record of `-o json`; pretty-printed events, JSON arrays of events and JSON text sequences are read too')
            [CompletionResult]::new('--ordered', '--ordered', [CompletionResultType]::ParameterName, 'Send an event only after the previous one of its key is confirmed, so that order is kept even if the connection is lost')
            [CompletionResult]::new('--no-data', '--no-data', [CompletionResultType]::ParameterName, 'Publish without data')
            [CompletionResult]::new('--allow-broker-headers', '--allow-broker-headers', [CompletionResultType]::ParameterName, 'Allow headers that the broker interprets (`Nats-*`)')
            [CompletionResult]::new('--require-consumer', '--require-consumer', [CompletionResultType]::ParameterName, 'Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)')
            [CompletionResult]::new('--dedup', '--dedup', [CompletionResultType]::ParameterName, 'Do not store an event whose topic, source and id were published with this flag before; `pf caps` says for how long they are known')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Create the topic if it does not exist')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Check everything and show what would be published')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;request' {
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'How long to wait for replies')
            [CompletionResult]::new('--replies', '--replies', [CompletionResultType]::ParameterName, 'How many replies to wait for; `all` prints what comes until the end of the time')
            [CompletionResult]::new('--reply-topic', '--reply-topic', [CompletionResultType]::ParameterName, 'The topic of the replies [default: `reply.` and the type]')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'The topic of the request [default: the type]')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'The source of the request [default: `//HOST/pf`]')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'The subject of the request')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'The id of the request [default: a ULID]')
            [CompletionResult]::new('--correlation-id', '--correlation-id', [CompletionResultType]::ParameterName, 'The correlation id, which related events share')
            [CompletionResult]::new('--content-type', '--content-type', [CompletionResultType]::ParameterName, 'The content type of the data; only JSON is validated')
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--proto-path', '--proto-path', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--protoset', '--protoset', [CompletionResultType]::ParameterName, 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Create the topics of the request and of the replies if they do not exist')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;tail' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Start with events stored at this time or this long ago; `earliest` is the oldest one')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End at events stored at this time or this long ago')
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Start with the last N events')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'End after N events')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after N events')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time; exit 3 if `--count` or `--until-end` was not reached')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Show only events that match this jq filter on the record of `-o json`')
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--proto-path', '--proto-path', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--protoset', '--protoset', [CompletionResultType]::ParameterName, 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--until-end', '--until-end', [CompletionResultType]::ParameterName, 'End after the events that were stored at the start')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Create the store if it does not exist, and wait')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;consume' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'The group; its consumers share the events [env: PF_GROUP]')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group; its consumers share the events [env: PF_GROUP]')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Handle up to N events at the same time, with different keys')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Handle up to N events at the same time, with different keys')
            [CompletionResult]::new('--instance', '--instance', [CompletionResultType]::ParameterName, 'Static name of this member, which keeps its partitions while it restarts (Kafka)')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Start of a new group: earliest, new, a time, or an age such as 2h')
            [CompletionResult]::new('--max-attempts', '--max-attempts', [CompletionResultType]::ParameterName, 'Attempts before an event is dead-lettered [default: set by the event, else 3]')
            [CompletionResult]::new('--backoff', '--backoff', [CompletionResultType]::ParameterName, 'Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause [default: 1s..5m*2]')
            [CompletionResult]::new('--breaker-failures', '--breaker-failures', [CompletionResultType]::ParameterName, 'Open the breaker after N final failures in a row; 0 ignores such rows [default: 20]')
            [CompletionResult]::new('--breaker-share', '--breaker-share', [CompletionResultType]::ParameterName, 'Open the breaker when more than this share of recent events failed finally [default: 50%/100]')
            [CompletionResult]::new('--dedup', '--dedup', [CompletionResultType]::ParameterName, 'Handle an event once, however often it is stored: keep marks of what was handled, for WINDOW [default: 7d]. A copy is acknowledged without a run (`pf caps`: dedup-handling)')
            [CompletionResult]::new('--dedup-mode', '--dedup-mode', [CompletionResultType]::ParameterName, 'When to mark: with the settlement, or also before the run, so that none is repeated')
            [CompletionResult]::new('--action', '--action', [CompletionResultType]::ParameterName, 'Name of what the command does, by which copies are recognised [default: the group]')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit of a run; a longer one is killed and counts as failed')
            [CompletionResult]::new('--on-exit', '--on-exit', [CompletionResultType]::ParameterName, 'Actions for exit statuses, such as 3=dlq,4=retry:30s,5=ack,6=skip,7=stop')
            [CompletionResult]::new('--reply-to', '--reply-to', [CompletionResultType]::ParameterName, 'Topics that a request may name [default: reply.**]')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after N events were acknowledged, skipped or dead-lettered')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this time, with exit status 3')
            [CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'Time that a stop waits for runs to finish')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Handle only events that match this jq filter on the record of `-o json`; the others are acknowledged. All consumers of a group need the same filter')
            [CompletionResult]::new('--expired', '--expired', [CompletionResultType]::ParameterName, 'What to do with an event whose `expirytime` has passed')
            [CompletionResult]::new('--tombstones', '--tombstones', [CompletionResultType]::ParameterName, 'What to do with a message whose payload is null (on NATS, empty) and that is not an event [default: as with any message that is not a CloudEvent]')
            [CompletionResult]::new('--stdin', '--stdin', [CompletionResultType]::ParameterName, 'What the command gets on its stdin')
            [CompletionResult]::new('--naming', '--naming', [CompletionResultType]::ParameterName, 'Attribute names on stdin: valid CloudEvents names, or those of the Go library (`pf_attempt`)')
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--proto-path', '--proto-path', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--protoset', '--protoset', [CompletionResultType]::ParameterName, 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--ordered', '--ordered', [CompletionResultType]::ParameterName, 'Keep order within a key: a retry delays its later events')
            [CompletionResult]::new('--wait', '--wait', [CompletionResultType]::ParameterName, 'Wait while another consumer holds an exclusive subscription, and take over (Pulsar)')
            [CompletionResult]::new('--no-breaker', '--no-breaker', [CompletionResultType]::ParameterName, 'Handle all events, even if nearly every one fails')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'Publish the events that the command writes to stdout, then acknowledge')
            [CompletionResult]::new('--reply', '--reply', [CompletionResultType]::ParameterName, 'Reply to requests: each line that the command writes to stdout is the data of a reply. It is published to the topic that the request names (`replyto`), then the request is acknowledged')
            [CompletionResult]::new('--no-reply-errors', '--no-reply-errors', [CompletionResultType]::ParameterName, 'Send no reply that says why a request was dead-lettered')
            [CompletionResult]::new('--until-end', '--until-end', [CompletionResultType]::ParameterName, 'End when everything stored at the start is done, including its retries')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Create the store and its topics if they do not exist')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Handle messages that are not CloudEvents, wrapped into one')
            [CompletionResult]::new('--worker', '--worker', [CompletionResultType]::ParameterName, 'Keep one command per job running: an event in, an answer out, one line each')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;caps' {
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Exit 5 unless all of these are supported; `delay:native` unless by the broker itself')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Show what this build knows about the transport, without asking a server')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;doctor' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'Check only the outbox in this database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Fix the problems that can be fixed from here')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;demo' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;completions' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder to write the pages to')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL')
            [CompletionResult]::new('relay', 'relay', [CompletionResultType]::ParameterValue, 'Publish the rows of an outbox, in the order of each key')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what waits in an outbox, who relays, and what holds up vacuum')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List rows that were refused')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a row: its event, and why it was refused')
            [CompletionResult]::new('unblock', 'unblock', [CompletionResultType]::ParameterValue, 'Publish refused or parked rows again')
            [CompletionResult]::new('park', 'park', [CompletionResultType]::ParameterValue, 'Park rows, so that they hold up nothing')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Delete rows that were published and kept, 10,000 in a transaction')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;outbox;create' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Only print the SQL, with the rights of a writer and a relay')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;relay' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The database of the outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'The store to publish to, a URL or the name of a context [default: `--url` and its kin]')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep published rows, marked as sent, for this long; without it they are deleted')
            [CompletionResult]::new('--shards', '--shards', [CompletionResultType]::ParameterName, 'Divide the outbox into N shards by key, each relayed by itself; the same for every relay')
            [CompletionResult]::new('--lease', '--lease', [CompletionResultType]::ParameterName, 'How long a relay that died keeps its lease')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--until-end', '--until-end', [CompletionResultType]::ParameterName, 'End when nothing is left to be published now')
            [CompletionResult]::new('--park', '--park', [CompletionResultType]::ParameterName, 'Park a row that the target refuses for good, instead of holding up its key')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Create missing topics and streams')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;status' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;list' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'End after N rows')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--parked', '--parked', [CompletionResultType]::ParameterName, 'Only parked rows')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'All rows that are not published')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;show' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;unblock' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;park' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;clean' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Only rows that were published longer ago than this')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;outbox;help' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL')
            [CompletionResult]::new('relay', 'relay', [CompletionResultType]::ParameterValue, 'Publish the rows of an outbox, in the order of each key')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what waits in an outbox, who relays, and what holds up vacuum')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List rows that were refused')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a row: its event, and why it was refused')
            [CompletionResult]::new('unblock', 'unblock', [CompletionResultType]::ParameterValue, 'Publish refused or parked rows again')
            [CompletionResult]::new('park', 'park', [CompletionResultType]::ParameterValue, 'Park rows, so that they hold up nothing')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Delete rows that were published and kept, 10,000 in a transaction')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;outbox;help;create' {
            break
        }
        'pf;outbox;help;relay' {
            break
        }
        'pf;outbox;help;status' {
            break
        }
        'pf;outbox;help;list' {
            break
        }
        'pf;outbox;help;show' {
            break
        }
        'pf;outbox;help;unblock' {
            break
        }
        'pf;outbox;help;park' {
            break
        }
        'pf;outbox;help;clean' {
            break
        }
        'pf;outbox;help;help' {
            break
        }
        'pf;inbox' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create the table of an inbox, `pf_inbox`')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Delete old keys, 10,000 in a transaction')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;inbox;create' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Only print the SQL, with the rights of a handler')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;inbox;clean' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context''s `outbox`]')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Only keys that were entered longer ago than this; later copies of their events are handled again')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;inbox;help' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create the table of an inbox, `pf_inbox`')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Delete old keys, 10,000 in a transaction')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;inbox;help;create' {
            break
        }
        'pf;inbox;help;clean' {
            break
        }
        'pf;inbox;help;help' {
            break
        }
        'pf;dlq' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List dead letters, oldest first, without their payloads')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about dead letters, with their payload')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count dead letters by topic, group, kind and fingerprint')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Publish dead letters again, where possible only to the group that failed')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Delete dead letters permanently')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Edit the event of a dead letter in $VISUAL or $EDITOR')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none')
            [CompletionResult]::new('jobs', 'jobs', [CompletionResultType]::ParameterValue, 'List, show, resume and cancel replay and purge jobs')
            [CompletionResult]::new('archive', 'archive', [CompletionResultType]::ParameterValue, 'Put dead letters aside: only `--archived` shows them, until they are restored')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Take dead letters out of the archive')
            [CompletionResult]::new('fixed', 'fixed', [CompletionResultType]::ParameterValue, 'Call a failure fixed; the first new dead letter of it is marked as a regression')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check dead letters against limits; exit 3 if one is exceeded')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Store exported dead letters, each unless its id exists')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'Show who changed which dead letters, when and why')
            [CompletionResult]::new('policy', 'policy', [CompletionResultType]::ParameterValue, 'Show, set or try the policy of the store: a guardrail for operators and scripts')
            [CompletionResult]::new('capture', 'capture', [CompletionResultType]::ParameterValue, 'Turn messages that other consumers gave up on into dead letters')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;dlq;list' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'End after N dead letters')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;show' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--proto-path', '--proto-path', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--protoset', '--protoset', [CompletionResultType]::ParameterName, 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Show every dead letter')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;stats' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'Show the N most frequent rows; `-o json` shows all')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;replay' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most N dead letters per second')
            [CompletionResult]::new('--plan', '--plan', [CompletionResultType]::ParameterName, 'Write the plan to a file instead of running it; `pf dlq apply` runs it')
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Publish to another topic')
            [CompletionResult]::new('--max-replays', '--max-replays', [CompletionResultType]::ParameterName, 'Leave out dead letters that were replayed N times or more')
            [CompletionResult]::new('--edit', '--edit', [CompletionResultType]::ParameterName, 'Edit the events first, by jq on the record, such as `.event.data.amount |= tonumber`')
            [CompletionResult]::new('--stop-on-refail', '--stop-on-refail', [CompletionResultType]::ParameterName, 'Stop when more than this share of what was replayed has died again, such as `20%`')
            [CompletionResult]::new('--canary', '--canary', [CompletionResultType]::ParameterName, 'First run the command after `--` on copies of the first N dead letters, and replay only if it handles each; without a command, replay the first N, and the rest only once their group has handled them')
            [CompletionResult]::new('--canary-timeout', '--canary-timeout', [CompletionResultType]::ParameterName, 'Without a command: how long the group may take to handle the first N [default: 5m]')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'Time limit of a run; a longer one is killed and counts as failed')
            [CompletionResult]::new('--on-exit', '--on-exit', [CompletionResultType]::ParameterName, 'Actions for exit statuses, as for `pf consume`')
            [CompletionResult]::new('--stdin', '--stdin', [CompletionResultType]::ParameterName, 'What the command gets on its stdin [default: event]')
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--proto-path', '--proto-path', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--protoset', '--protoset', [CompletionResultType]::ParameterName, 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Select every dead letter of the store')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask for confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask for confirmation')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show the plan only')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the plan only')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'Show the events that the command writes to stdout, and check that they could be published')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;purge' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most N dead letters per second')
            [CompletionResult]::new('--plan', '--plan', [CompletionResultType]::ParameterName, 'Write the plan to a file instead of running it; `pf dlq apply` runs it')
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only')
            [CompletionResult]::new('--older-than', '--older-than', [CompletionResultType]::ParameterName, 'Those that were dead-lettered longer ago, such as `30d`: the same as `--until`')
            [CompletionResult]::new('--export', '--export', [CompletionResultType]::ParameterName, 'Export them to a new file first')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Select every dead letter of the store')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask for confirmation')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask for confirmation')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show the plan only')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the plan only')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;edit' {
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;apply' {
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most N dead letters per second')
            [CompletionResult]::new('--canary', '--canary', [CompletionResultType]::ParameterName, 'First replay N, and the rest only once their group has handled them')
            [CompletionResult]::new('--canary-timeout', '--canary-timeout', [CompletionResultType]::ParameterName, 'How long the group may take to handle the first N [default: 5m]')
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;jobs' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the jobs that have not ended')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a job, also one that has ended')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Resume an interrupted job')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel a job; what it has not resolved stays a dead letter')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;dlq;jobs;list' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Also those that have ended, from the log')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;jobs;show' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'Read the target of a replay again: is each message there exactly once? Exit 4 unless all are')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;jobs;resume' {
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most N dead letters per second')
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;jobs;cancel' {
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;jobs;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the jobs that have not ended')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a job, also one that has ended')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Resume an interrupted job')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel a job; what it has not resolved stays a dead letter')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;dlq;jobs;help;list' {
            break
        }
        'pf;dlq;jobs;help;show' {
            break
        }
        'pf;dlq;jobs;help;resume' {
            break
        }
        'pf;dlq;jobs;help;cancel' {
            break
        }
        'pf;dlq;jobs;help;help' {
            break
        }
        'pf;dlq;archive' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Select every one')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;restore' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Select every one')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;fixed' {
            [CompletionResult]::new('--in', '--in', [CompletionResultType]::ParameterName, 'The version of the handler that fixes it')
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'A remark for those who see it come back')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;check' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--max-depth', '--max-depth', [CompletionResultType]::ParameterName, 'At most N dead letters')
            [CompletionResult]::new('--max-age', '--max-age', [CompletionResultType]::ParameterName, 'None was dead-lettered longer ago, such as `1d`')
            [CompletionResult]::new('--max-rate', '--max-rate', [CompletionResultType]::ParameterName, 'At most N were dead-lettered within the last span of time, such as `10/h` or `5/15m`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('--no-regressions', '--no-regressions', [CompletionResultType]::ParameterName, 'No dead letter of a failure that `pf dlq fixed` called fixed before')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;export' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics of the original messages, such as `order.*`')
            [CompletionResult]::new('--dead-letter-topic', '--dead-letter-topic', [CompletionResultType]::ParameterName, 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that dead-lettered them')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'Part of the failure''s message or class, ignoring case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were dead-lettered')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The fingerprint of the failure, as shown by `pf dlq stats`')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead-lettered since then: an age such as `1h`, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead-lettered before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least N failed runs, including those before replays')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--mask', '--mask', [CompletionResultType]::ParameterName, 'Replace the values at this path of the record by `***`; may be given several times')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--archived', '--archived', [CompletionResultType]::ParameterName, 'Those that are archived, and no others')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Export every dead letter of the store')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;import' {
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Check the lines, and whether the store can hold them, without storing any')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Check the lines, and whether the store can hold them, without storing any')
            [CompletionResult]::new('--skip-unfit', '--skip-unfit', [CompletionResultType]::ParameterName, 'Import the rest if the store cannot hold some of them; exit 4')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Create the store if it does not exist')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;log' {
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Only the last N entries')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;policy' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the policy of the store')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set the policy of the store')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Read a policy without setting it, and say what it would forbid')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;dlq;policy;show' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;policy;set' {
            [CompletionResult]::new('--because', '--because', [CompletionResultType]::ParameterName, 'Why, for the log of the store (`pf dlq log`)')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;policy;test' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'A topic that a replay would publish to')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;policy;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the policy of the store')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set the policy of the store')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Read a policy without setting it, and say what it would forbid')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;dlq;policy;help;show' {
            break
        }
        'pf;dlq;policy;help;set' {
            break
        }
        'pf;dlq;policy;help;test' {
            break
        }
        'pf;dlq;policy;help;help' {
            break
        }
        'pf;dlq;capture' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--until-end', '--until-end', [CompletionResultType]::ParameterName, 'End after the messages given up so far')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List dead letters, oldest first, without their payloads')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about dead letters, with their payload')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count dead letters by topic, group, kind and fingerprint')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Publish dead letters again, where possible only to the group that failed')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Delete dead letters permanently')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Edit the event of a dead letter in $VISUAL or $EDITOR')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none')
            [CompletionResult]::new('jobs', 'jobs', [CompletionResultType]::ParameterValue, 'List, show, resume and cancel replay and purge jobs')
            [CompletionResult]::new('archive', 'archive', [CompletionResultType]::ParameterValue, 'Put dead letters aside: only `--archived` shows them, until they are restored')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Take dead letters out of the archive')
            [CompletionResult]::new('fixed', 'fixed', [CompletionResultType]::ParameterValue, 'Call a failure fixed; the first new dead letter of it is marked as a regression')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check dead letters against limits; exit 3 if one is exceeded')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Store exported dead letters, each unless its id exists')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'Show who changed which dead letters, when and why')
            [CompletionResult]::new('policy', 'policy', [CompletionResultType]::ParameterValue, 'Show, set or try the policy of the store: a guardrail for operators and scripts')
            [CompletionResult]::new('capture', 'capture', [CompletionResultType]::ParameterValue, 'Turn messages that other consumers gave up on into dead letters')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;dlq;help;list' {
            break
        }
        'pf;dlq;help;show' {
            break
        }
        'pf;dlq;help;stats' {
            break
        }
        'pf;dlq;help;replay' {
            break
        }
        'pf;dlq;help;purge' {
            break
        }
        'pf;dlq;help;edit' {
            break
        }
        'pf;dlq;help;apply' {
            break
        }
        'pf;dlq;help;jobs' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the jobs that have not ended')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a job, also one that has ended')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Resume an interrupted job')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel a job; what it has not resolved stays a dead letter')
            break
        }
        'pf;dlq;help;jobs;list' {
            break
        }
        'pf;dlq;help;jobs;show' {
            break
        }
        'pf;dlq;help;jobs;resume' {
            break
        }
        'pf;dlq;help;jobs;cancel' {
            break
        }
        'pf;dlq;help;archive' {
            break
        }
        'pf;dlq;help;restore' {
            break
        }
        'pf;dlq;help;fixed' {
            break
        }
        'pf;dlq;help;check' {
            break
        }
        'pf;dlq;help;export' {
            break
        }
        'pf;dlq;help;import' {
            break
        }
        'pf;dlq;help;log' {
            break
        }
        'pf;dlq;help;policy' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the policy of the store')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set the policy of the store')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Read a policy without setting it, and say what it would forbid')
            break
        }
        'pf;dlq;help;policy;show' {
            break
        }
        'pf;dlq;help;policy;set' {
            break
        }
        'pf;dlq;help;policy;test' {
            break
        }
        'pf;dlq;help;capture' {
            break
        }
        'pf;dlq;help;help' {
            break
        }
        'pf;schedule' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List delayed events, the next one first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show delayed events with their payload')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel delayed events')
            [CompletionResult]::new('reschedule', 'reschedule', [CompletionResultType]::ParameterValue, 'Change the delivery time of a delayed event')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Deliver due events, on transports that need a running process for it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;schedule;list' {
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Only events for these topics')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only events that match this jq filter on the record of `-o json`')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'End after N schedules')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;show' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;cancel' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;reschedule' {
            [CompletionResult]::new('--delay', '--delay', [CompletionResultType]::ParameterName, 'Deliver after this delay from now, such as `90s`')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;run' {
            [CompletionResult]::new('--metrics', '--metrics', [CompletionResultType]::ParameterName, 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List delayed events, the next one first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show delayed events with their payload')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel delayed events')
            [CompletionResult]::new('reschedule', 'reschedule', [CompletionResultType]::ParameterValue, 'Change the delivery time of a delayed event')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Deliver due events, on transports that need a running process for it')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;schedule;help;list' {
            break
        }
        'pf;schedule;help;show' {
            break
        }
        'pf;schedule;help;cancel' {
            break
        }
        'pf;schedule;help;reschedule' {
            break
        }
        'pf;schedule;help;run' {
            break
        }
        'pf;schedule;help;help' {
            break
        }
        'pf;context' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a named store, or replace it')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a context the default')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List all contexts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a context, by default the one in use')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a context; the store itself is not touched')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;context;add' {
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The default group of its consumers')
            [CompletionResult]::new('--outbox', '--outbox', [CompletionResultType]::ParameterName, 'The database of its outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file that holds the password')
            [CompletionResult]::new('--proto', '--proto', [CompletionResultType]::ParameterName, 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store')
            [CompletionResult]::new('-I', '-I ', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--proto-path', '--proto-path', [CompletionResultType]::ParameterName, 'A folder in which schema files and their imports are looked up [default: that of each file]')
            [CompletionResult]::new('--protoset', '--protoset', [CompletionResultType]::ParameterName, 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it')
            [CompletionResult]::new('--message', '--message', [CompletionResultType]::ParameterName, 'The message that the data is, as in `shop.v1.Order`, or ''order.*=shop.v1.Order'' for some topics [default: the one that `dataschema` names]')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('--ask-password', '--ask-password', [CompletionResultType]::ParameterName, 'Prompt for the password when it is needed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;use' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;list' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;show' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;remove' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'The store with this context name, see `pf context` [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Time to wait for the store to answer [default: set by the URL, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Output format')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Print no notices; warnings, errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;help' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a named store, or replace it')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a context the default')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List all contexts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a context, by default the one in use')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a context; the store itself is not touched')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;context;help;add' {
            break
        }
        'pf;context;help;use' {
            break
        }
        'pf;context;help;list' {
            break
        }
        'pf;context;help;show' {
            break
        }
        'pf;context;help;remove' {
            break
        }
        'pf;context;help;help' {
            break
        }
        'pf;help' {
            [CompletionResult]::new('publish', 'publish', [CompletionResultType]::ParameterValue, 'Publish one event, or a stream of them')
            [CompletionResult]::new('request', 'request', [CompletionResultType]::ParameterValue, 'Publish a request, and print its replies')
            [CompletionResult]::new('tail', 'tail', [CompletionResultType]::ParameterValue, 'Show events as they arrive, or stored ones')
            [CompletionResult]::new('consume', 'consume', [CompletionResultType]::ParameterValue, 'Run a command for each event of a group')
            [CompletionResult]::new('caps', 'caps', [CompletionResultType]::ParameterValue, 'Show what the transport can do')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check the store and the outbox and report problems with the command that fixes each')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Run a demo: a retry, a delay, a dead letter and its replay')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write the pages of all commands to a folder')
            [CompletionResult]::new('outbox', 'outbox', [CompletionResultType]::ParameterValue, 'Publish what a database''s own transactions stored: transactional outboxes')
            [CompletionResult]::new('inbox', 'inbox', [CompletionResultType]::ParameterValue, 'Keys of handled events in your own database, so that an effect is made once')
            [CompletionResult]::new('dlq', 'dlq', [CompletionResultType]::ParameterValue, 'List, show, replay and purge dead letters')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'List, show, reschedule and cancel delayed events')
            [CompletionResult]::new('context', 'context', [CompletionResultType]::ParameterValue, 'Manage named stores')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;help;publish' {
            break
        }
        'pf;help;request' {
            break
        }
        'pf;help;tail' {
            break
        }
        'pf;help;consume' {
            break
        }
        'pf;help;caps' {
            break
        }
        'pf;help;doctor' {
            break
        }
        'pf;help;demo' {
            break
        }
        'pf;help;completions' {
            break
        }
        'pf;help;man' {
            break
        }
        'pf;help;outbox' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL')
            [CompletionResult]::new('relay', 'relay', [CompletionResultType]::ParameterValue, 'Publish the rows of an outbox, in the order of each key')
            [CompletionResult]::new('status', 'status', [CompletionResultType]::ParameterValue, 'Show what waits in an outbox, who relays, and what holds up vacuum')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List rows that were refused')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a row: its event, and why it was refused')
            [CompletionResult]::new('unblock', 'unblock', [CompletionResultType]::ParameterValue, 'Publish refused or parked rows again')
            [CompletionResult]::new('park', 'park', [CompletionResultType]::ParameterValue, 'Park rows, so that they hold up nothing')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Delete rows that were published and kept, 10,000 in a transaction')
            break
        }
        'pf;help;outbox;create' {
            break
        }
        'pf;help;outbox;relay' {
            break
        }
        'pf;help;outbox;status' {
            break
        }
        'pf;help;outbox;list' {
            break
        }
        'pf;help;outbox;show' {
            break
        }
        'pf;help;outbox;unblock' {
            break
        }
        'pf;help;outbox;park' {
            break
        }
        'pf;help;outbox;clean' {
            break
        }
        'pf;help;inbox' {
            [CompletionResult]::new('create', 'create', [CompletionResultType]::ParameterValue, 'Create the table of an inbox, `pf_inbox`')
            [CompletionResult]::new('clean', 'clean', [CompletionResultType]::ParameterValue, 'Delete old keys, 10,000 in a transaction')
            break
        }
        'pf;help;inbox;create' {
            break
        }
        'pf;help;inbox;clean' {
            break
        }
        'pf;help;dlq' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List dead letters, oldest first, without their payloads')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about dead letters, with their payload')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count dead letters by topic, group, kind and fingerprint')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Publish dead letters again, where possible only to the group that failed')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Delete dead letters permanently')
            [CompletionResult]::new('edit', 'edit', [CompletionResultType]::ParameterValue, 'Edit the event of a dead letter in $VISUAL or $EDITOR')
            [CompletionResult]::new('apply', 'apply', [CompletionResultType]::ParameterValue, 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none')
            [CompletionResult]::new('jobs', 'jobs', [CompletionResultType]::ParameterValue, 'List, show, resume and cancel replay and purge jobs')
            [CompletionResult]::new('archive', 'archive', [CompletionResultType]::ParameterValue, 'Put dead letters aside: only `--archived` shows them, until they are restored')
            [CompletionResult]::new('restore', 'restore', [CompletionResultType]::ParameterValue, 'Take dead letters out of the archive')
            [CompletionResult]::new('fixed', 'fixed', [CompletionResultType]::ParameterValue, 'Call a failure fixed; the first new dead letter of it is marked as a regression')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check dead letters against limits; exit 3 if one is exceeded')
            [CompletionResult]::new('export', 'export', [CompletionResultType]::ParameterValue, 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Store exported dead letters, each unless its id exists')
            [CompletionResult]::new('log', 'log', [CompletionResultType]::ParameterValue, 'Show who changed which dead letters, when and why')
            [CompletionResult]::new('policy', 'policy', [CompletionResultType]::ParameterValue, 'Show, set or try the policy of the store: a guardrail for operators and scripts')
            [CompletionResult]::new('capture', 'capture', [CompletionResultType]::ParameterValue, 'Turn messages that other consumers gave up on into dead letters')
            break
        }
        'pf;help;dlq;list' {
            break
        }
        'pf;help;dlq;show' {
            break
        }
        'pf;help;dlq;stats' {
            break
        }
        'pf;help;dlq;replay' {
            break
        }
        'pf;help;dlq;purge' {
            break
        }
        'pf;help;dlq;edit' {
            break
        }
        'pf;help;dlq;apply' {
            break
        }
        'pf;help;dlq;jobs' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the jobs that have not ended')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a job, also one that has ended')
            [CompletionResult]::new('resume', 'resume', [CompletionResultType]::ParameterValue, 'Resume an interrupted job')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel a job; what it has not resolved stays a dead letter')
            break
        }
        'pf;help;dlq;jobs;list' {
            break
        }
        'pf;help;dlq;jobs;show' {
            break
        }
        'pf;help;dlq;jobs;resume' {
            break
        }
        'pf;help;dlq;jobs;cancel' {
            break
        }
        'pf;help;dlq;archive' {
            break
        }
        'pf;help;dlq;restore' {
            break
        }
        'pf;help;dlq;fixed' {
            break
        }
        'pf;help;dlq;check' {
            break
        }
        'pf;help;dlq;export' {
            break
        }
        'pf;help;dlq;import' {
            break
        }
        'pf;help;dlq;log' {
            break
        }
        'pf;help;dlq;policy' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show the policy of the store')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set the policy of the store')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Read a policy without setting it, and say what it would forbid')
            break
        }
        'pf;help;dlq;policy;show' {
            break
        }
        'pf;help;dlq;policy;set' {
            break
        }
        'pf;help;dlq;policy;test' {
            break
        }
        'pf;help;dlq;capture' {
            break
        }
        'pf;help;schedule' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List delayed events, the next one first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show delayed events with their payload')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel delayed events')
            [CompletionResult]::new('reschedule', 'reschedule', [CompletionResultType]::ParameterValue, 'Change the delivery time of a delayed event')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Deliver due events, on transports that need a running process for it')
            break
        }
        'pf;help;schedule;list' {
            break
        }
        'pf;help;schedule;show' {
            break
        }
        'pf;help;schedule;cancel' {
            break
        }
        'pf;help;schedule;reschedule' {
            break
        }
        'pf;help;schedule;run' {
            break
        }
        'pf;help;context' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Add a named store, or replace it')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Make a context the default')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List all contexts')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show a context, by default the one in use')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Remove a context; the store itself is not touched')
            break
        }
        'pf;help;context;add' {
            break
        }
        'pf;help;context;use' {
            break
        }
        'pf;help;context;list' {
            break
        }
        'pf;help;context;show' {
            break
        }
        'pf;help;context;remove' {
            break
        }
        'pf;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
