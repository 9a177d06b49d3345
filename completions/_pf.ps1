
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
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('publish', 'publish', [CompletionResultType]::ParameterValue, 'Publish one event, or a stream of them')
            [CompletionResult]::new('tail', 'tail', [CompletionResultType]::ParameterValue, 'Show events as they come, or those that are stored')
            [CompletionResult]::new('consume', 'consume', [CompletionResultType]::ParameterValue, 'Run a command for each event of a group')
            [CompletionResult]::new('caps', 'caps', [CompletionResultType]::ParameterValue, 'Show what the transport can do')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check the store, and say what will bite')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show the whole story: a retry, a delay, a dead letter and its replay')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write the pages of all commands into a folder')
            [CompletionResult]::new('dlq', 'dlq', [CompletionResultType]::ParameterValue, 'Look at dead letters, publish them again, or delete them')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'Look at events that wait for their time, move or cancel them')
            [CompletionResult]::new('context', 'context', [CompletionResultType]::ParameterValue, 'Give stores a name')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;publish' {
            [CompletionResult]::new('--on-error', '--on-error', [CompletionResultType]::ParameterName, 'What to do when a line cannot be published')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'At most so many events per second')
            [CompletionResult]::new('--delay', '--delay', [CompletionResultType]::ParameterName, 'Deliver no sooner than after this time, as in `90s`')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Deliver no sooner than at this time, as in `2026-03-01T09:00:00Z` or `tomorrow 09:00`')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'The topic [default: the type]')
            [CompletionResult]::new('--source', '--source', [CompletionResultType]::ParameterName, 'Where the event comes from [default: `//HOST/pf`]')
            [CompletionResult]::new('--subject', '--subject', [CompletionResultType]::ParameterName, 'What the event is about')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'The id of the event [default: a ULID]')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'What keeps related events in order [default: `partitionkey`, else the subject]')
            [CompletionResult]::new('--correlation-id', '--correlation-id', [CompletionResultType]::ParameterName, 'What this event belongs to')
            [CompletionResult]::new('--extension', '--extension', [CompletionResultType]::ParameterName, 'Adds an extension attribute')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Adds a transport header')
            [CompletionResult]::new('--mode', '--mode', [CompletionResultType]::ParameterName, 'How the event is laid out [default: as the URL says, else structured]')
            [CompletionResult]::new('--content-type', '--content-type', [CompletionResultType]::ParameterName, 'What the data is; other than JSON, it is not checked')
            [CompletionResult]::new('--max-size', '--max-size', [CompletionResultType]::ParameterName, 'Refuse data and lines that are longer, in bytes, as in `4M`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Each line of stdin, without its LF or CRLF, is the data of an event')
            [CompletionResult]::new('--ndjson', '--ndjson', [CompletionResultType]::ParameterName, 'Each line of stdin is an event, or a record of `-o json`')
            [CompletionResult]::new('--ordered', '--ordered', [CompletionResultType]::ParameterName, 'Send an event only once the one before it of its key is confirmed: order holds also where a connection is lost meanwhile')
            [CompletionResult]::new('--no-data', '--no-data', [CompletionResultType]::ParameterName, 'Publish without data')
            [CompletionResult]::new('--allow-broker-headers', '--allow-broker-headers', [CompletionResultType]::ParameterName, 'Let headers through that the broker reads as commands (`Nats-*`)')
            [CompletionResult]::new('--require-consumer', '--require-consumer', [CompletionResultType]::ParameterName, 'Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Make the topic if it is not there')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Check everything and show what would be published')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;tail' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Begin with events stored so long ago or at this time; `earliest` is the oldest kept')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'End before events stored at this time')
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Begin with the last N events')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'End after N events')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after N events')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after so long; exit 3 when `--count` or `--until-end` was not reached')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Show only events for which this jq filter on the record of `-o json` holds')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--until-end', '--until-end', [CompletionResultType]::ParameterName, 'End after what was there at the start')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Make the store if it is not there, and wait')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;consume' {
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'Consumers of one group share its events [env: PF_GROUP]')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Consumers of one group share its events [env: PF_GROUP]')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Run so many at the same time, of different keys')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Run so many at the same time, of different keys')
            [CompletionResult]::new('--instance', '--instance', [CompletionResultType]::ParameterName, 'Name of this member, whose partitions wait for it while it restarts (Kafka)')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Where a new group starts: earliest, new, a time, or an age such as 2h')
            [CompletionResult]::new('--max-attempts', '--max-attempts', [CompletionResultType]::ParameterName, 'Runs that an event gets before it is a dead letter [default: the event''s own, else 3]')
            [CompletionResult]::new('--backoff', '--backoff', [CompletionResultType]::ParameterName, 'Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause [default: 1s..5m*2]')
            [CompletionResult]::new('--handler-timeout', '--handler-timeout', [CompletionResultType]::ParameterName, 'A run that takes longer is ended and has failed')
            [CompletionResult]::new('--on-exit', '--on-exit', [CompletionResultType]::ParameterName, 'What exit statuses mean, as in 3=dlq,4=retry:30s,5=ack,6=skip,7=stop')
            [CompletionResult]::new('--count', '--count', [CompletionResultType]::ParameterName, 'End after so many events are done')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'End after this long, with 3')
            [CompletionResult]::new('--grace', '--grace', [CompletionResultType]::ParameterName, 'How long a stop waits for runs to end')
            [CompletionResult]::new('--stdin', '--stdin', [CompletionResultType]::ParameterName, 'What the command finds on its stdin')
            [CompletionResult]::new('--naming', '--naming', [CompletionResultType]::ParameterName, 'Attribute names on stdin: lawful in CloudEvents, or those of the Go library (`pf_attempt`)')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--ordered', '--ordered', [CompletionResultType]::ParameterName, 'A retry holds up the later events of its key')
            [CompletionResult]::new('--emit', '--emit', [CompletionResultType]::ParameterName, 'Publish the events that the command writes to stdout, before its own event is done')
            [CompletionResult]::new('--until-end', '--until-end', [CompletionResultType]::ParameterName, 'End when everything stored at the start is done, with the retries of what was taken')
            [CompletionResult]::new('--create', '--create', [CompletionResultType]::ParameterName, 'Make the store and its topics if they are not there')
            [CompletionResult]::new('--plain', '--plain', [CompletionResultType]::ParameterName, 'Hand over messages that are no CloudEvents, wrapped in one')
            [CompletionResult]::new('--worker', '--worker', [CompletionResultType]::ParameterName, 'Keep the command running, once per job: a line in, a line out')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;caps' {
            [CompletionResult]::new('--require', '--require', [CompletionResultType]::ParameterName, 'Exit 5 unless all of these can be had; `delay:native` unless the broker itself does it')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Ask no server: what this build knows about the transport')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;doctor' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--fix', '--fix', [CompletionResultType]::ParameterName, 'Mend what can be mended from here')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;demo' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;completions' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;man' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'The folder')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List dead letters, oldest first, without their payloads')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about dead letters, payload included')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count dead letters by topic, group, kind and sort of failure')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Publish dead letters again, to the group that failed where the transport can do that')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Delete dead letters for good')
            [CompletionResult]::new('capture', 'capture', [CompletionResultType]::ParameterValue, 'Make dead letters of what consumers of other programs gave up')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;dlq;list' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics that they were consumed from, as in `order.*`')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that gave up')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'A part of the failure''s message or class, in any letter case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were given up')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The sort of failure, as `pf dlq stats` shows it')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead since then: `1h` ago, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least so many failed runs, replays included')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'End after so many')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;show' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics that they were consumed from, as in `order.*`')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that gave up')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'A part of the failure''s message or class, in any letter case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were given up')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The sort of failure, as `pf dlq stats` shows it')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead since then: `1h` ago, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least so many failed runs, replays included')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Show every dead letter')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;stats' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics that they were consumed from, as in `order.*`')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that gave up')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'A part of the failure''s message or class, in any letter case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were given up')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The sort of failure, as `pf dlq stats` shows it')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead since then: `1h` ago, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least so many failed runs, replays included')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--top', '--top', [CompletionResultType]::ParameterName, 'Show so many rows, the most frequent first; `-o json` shows all')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;replay' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics that they were consumed from, as in `order.*`')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that gave up')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'A part of the failure''s message or class, in any letter case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were given up')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The sort of failure, as `pf dlq stats` shows it')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead since then: `1h` ago, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least so many failed runs, replays included')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Letters per second')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Publish to another topic')
            [CompletionResult]::new('--max-replays', '--max-replays', [CompletionResultType]::ParameterName, 'Leave out letters that were replayed so often already')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Every dead letter of the store')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show the plan and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the plan and do nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;purge' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Topics that they were consumed from, as in `order.*`')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group that gave up')
            [CompletionResult]::new('--type', '--type', [CompletionResultType]::ParameterName, 'The type of the event')
            [CompletionResult]::new('--reason', '--reason', [CompletionResultType]::ParameterName, 'A part of the failure''s message or class, in any letter case')
            [CompletionResult]::new('--kind', '--kind', [CompletionResultType]::ParameterName, 'Why they were given up')
            [CompletionResult]::new('--fingerprint', '--fingerprint', [CompletionResultType]::ParameterName, 'The sort of failure, as `pf dlq stats` shows it')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Dead since then: `1h` ago, or a time')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Dead before then')
            [CompletionResult]::new('--attempts', '--attempts', [CompletionResultType]::ParameterName, 'At least so many failed runs, replays included')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Letters per second')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Every dead letter of the store')
            [CompletionResult]::new('-y', '-y', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Show the plan and do nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the plan and do nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;capture' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--until-end', '--until-end', [CompletionResultType]::ParameterName, 'End after what was given up until now')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;dlq;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List dead letters, oldest first, without their payloads')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about dead letters, payload included')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count dead letters by topic, group, kind and sort of failure')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Publish dead letters again, to the group that failed where the transport can do that')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Delete dead letters for good')
            [CompletionResult]::new('capture', 'capture', [CompletionResultType]::ParameterValue, 'Make dead letters of what consumers of other programs gave up')
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
        'pf;dlq;help;capture' {
            break
        }
        'pf;dlq;help;help' {
            break
        }
        'pf;schedule' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List events that wait for their time, the next one first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show events that wait for their time, payload included')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel events that wait for their time')
            [CompletionResult]::new('reschedule', 'reschedule', [CompletionResultType]::ParameterValue, 'Give an event that waits another time')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Deliver what is due, where somebody must be running for that')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;schedule;list' {
            [CompletionResult]::new('--topic', '--topic', [CompletionResultType]::ParameterName, 'Only events for these topics')
            [CompletionResult]::new('--where', '--where', [CompletionResultType]::ParameterName, 'Only events for which this jq filter on the record of `-o json` holds')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'End after so many')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;show' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;cancel' {
            [CompletionResult]::new('--ids', '--ids', [CompletionResultType]::ParameterName, 'Read ids from a file, one per line; `-` is stdin')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;reschedule' {
            [CompletionResult]::new('--delay', '--delay', [CompletionResultType]::ParameterName, 'Deliver no sooner than after this time from now, as in `90s`')
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Deliver no sooner than at this time, as in `2026-03-01T09:00:00Z` or `tomorrow 09:00`')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;run' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;schedule;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List events that wait for their time, the next one first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show events that wait for their time, payload included')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel events that wait for their time')
            [CompletionResult]::new('reschedule', 'reschedule', [CompletionResultType]::ParameterValue, 'Give an event that waits another time')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Deliver what is due, where somebody must be running for that')
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
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Name a store; an existing name is given the new store')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Use a context from now on')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every context')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one context, or the one in use')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Forget a context; the store is not touched')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;context;add' {
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'The group of its consumers')
            [CompletionResult]::new('--password-file', '--password-file', [CompletionResultType]::ParameterName, 'A file that holds the password')
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('--ask-password', '--ask-password', [CompletionResultType]::ParameterName, 'Ask for the password whenever it is needed')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;use' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;list' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;show' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;remove' {
            [CompletionResult]::new('--url', '--url', [CompletionResultType]::ParameterName, 'The store, as in `sqlite:events.db` [env: PF_URL]')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'How long to wait for the store to answer [default: what the URL says, else 5s]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How to write data')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write a log to stderr, as in `debug` or `protoflow=trace`')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Leave out remarks; errors and their hints stay')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'pf;context;help' {
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Name a store; an existing name is given the new store')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Use a context from now on')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every context')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one context, or the one in use')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Forget a context; the store is not touched')
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
            [CompletionResult]::new('tail', 'tail', [CompletionResultType]::ParameterValue, 'Show events as they come, or those that are stored')
            [CompletionResult]::new('consume', 'consume', [CompletionResultType]::ParameterValue, 'Run a command for each event of a group')
            [CompletionResult]::new('caps', 'caps', [CompletionResultType]::ParameterValue, 'Show what the transport can do')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Check the store, and say what will bite')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'Show the whole story: a retry, a delay, a dead letter and its replay')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page, or write the pages of all commands into a folder')
            [CompletionResult]::new('dlq', 'dlq', [CompletionResultType]::ParameterValue, 'Look at dead letters, publish them again, or delete them')
            [CompletionResult]::new('schedule', 'schedule', [CompletionResultType]::ParameterValue, 'Look at events that wait for their time, move or cancel them')
            [CompletionResult]::new('context', 'context', [CompletionResultType]::ParameterValue, 'Give stores a name')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'pf;help;publish' {
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
        'pf;help;dlq' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List dead letters, oldest first, without their payloads')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show everything about dead letters, payload included')
            [CompletionResult]::new('stats', 'stats', [CompletionResultType]::ParameterValue, 'Count dead letters by topic, group, kind and sort of failure')
            [CompletionResult]::new('replay', 'replay', [CompletionResultType]::ParameterValue, 'Publish dead letters again, to the group that failed where the transport can do that')
            [CompletionResult]::new('purge', 'purge', [CompletionResultType]::ParameterValue, 'Delete dead letters for good')
            [CompletionResult]::new('capture', 'capture', [CompletionResultType]::ParameterValue, 'Make dead letters of what consumers of other programs gave up')
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
        'pf;help;dlq;capture' {
            break
        }
        'pf;help;schedule' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List events that wait for their time, the next one first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show events that wait for their time, payload included')
            [CompletionResult]::new('cancel', 'cancel', [CompletionResultType]::ParameterValue, 'Cancel events that wait for their time')
            [CompletionResult]::new('reschedule', 'reschedule', [CompletionResultType]::ParameterValue, 'Give an event that waits another time')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Deliver what is due, where somebody must be running for that')
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
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Name a store; an existing name is given the new store')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Use a context from now on')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Show every context')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Show one context, or the one in use')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Forget a context; the store is not touched')
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
