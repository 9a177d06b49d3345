# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_pf_global_optspecs
    string join \n url= context= connect-timeout= o/output= q/quiet color= log= h/help V/version
end

function __fish_pf_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_pf_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_pf_using_subcommand
    set -l cmd (__fish_pf_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c pf -n "__fish_pf_needs_command" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_needs_command" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_needs_command" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_needs_command" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_needs_command" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_needs_command" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_needs_command" -s V -l version -d 'Print version'
complete -c pf -n "__fish_pf_needs_command" -f -a "publish" -d 'Publish one event, or a stream of them'
complete -c pf -n "__fish_pf_needs_command" -f -a "tail" -d 'Show events as they come, or those that are stored'
complete -c pf -n "__fish_pf_needs_command" -f -a "consume" -d 'Run a command for each event of a group'
complete -c pf -n "__fish_pf_needs_command" -f -a "caps" -d 'Show what the transport can do'
complete -c pf -n "__fish_pf_needs_command" -f -a "doctor" -d 'Check the store, and say what will bite'
complete -c pf -n "__fish_pf_needs_command" -f -a "demo" -d 'Show the whole story: a retry, a delay, a dead letter and its replay'
complete -c pf -n "__fish_pf_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c pf -n "__fish_pf_needs_command" -f -a "man" -d 'Print the manual page, or write the pages of all commands into a folder'
complete -c pf -n "__fish_pf_needs_command" -f -a "dlq" -d 'Look at dead letters, publish them again, or delete them'
complete -c pf -n "__fish_pf_needs_command" -f -a "schedule" -d 'Look at events that wait for their time, move or cancel them'
complete -c pf -n "__fish_pf_needs_command" -f -a "context" -d 'Give stores a name'
complete -c pf -n "__fish_pf_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand publish" -l on-error -d 'What to do when a line cannot be published' -r -f -a "stop\t'Read no further'
continue\t'Go on with the next line'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l rate -d 'At most so many events per second' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l delay -d 'Deliver no sooner than after this time, as in `90s`' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l at -d 'Deliver no sooner than at this time, as in `2026-03-01T09:00:00Z` or `tomorrow 09:00`' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l topic -d 'The topic [default: the type]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l source -d 'Where the event comes from [default: `//HOST/pf`]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l subject -d 'What the event is about' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l id -d 'The id of the event [default: a ULID]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l key -d 'What keeps related events in order [default: `partitionkey`, else the subject]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l correlation-id -d 'What this event belongs to' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l extension -d 'Adds an extension attribute' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l header -d 'Adds a transport header' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l mode -d 'How the event is laid out [default: as the URL says, else structured]' -r -f -a "structured\t'One JSON object'
binary\t'Attributes as headers'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l content-type -d 'What the data is; other than JSON, it is not checked' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l max-size -d 'Refuse data and lines that are longer, in bytes, as in `4M`' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l lines -d 'Each line of stdin, without its LF or CRLF, is the data of an event'
complete -c pf -n "__fish_pf_using_subcommand publish" -l ndjson -d 'Each line of stdin is an event, or a record of `-o json`'
complete -c pf -n "__fish_pf_using_subcommand publish" -l ordered -d 'Send an event only once the one before it of its key is confirmed: order holds also where a connection is lost meanwhile'
complete -c pf -n "__fish_pf_using_subcommand publish" -l no-data -d 'Publish without data'
complete -c pf -n "__fish_pf_using_subcommand publish" -l allow-broker-headers -d 'Let headers through that the broker reads as commands (`Nats-*`)'
complete -c pf -n "__fish_pf_using_subcommand publish" -l require-consumer -d 'Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)'
complete -c pf -n "__fish_pf_using_subcommand publish" -l create -d 'Make the topic if it is not there'
complete -c pf -n "__fish_pf_using_subcommand publish" -l dry-run -d 'Check everything and show what would be published'
complete -c pf -n "__fish_pf_using_subcommand publish" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand publish" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand tail" -l since -d 'Begin with events stored so long ago or at this time; `earliest` is the oldest kept' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l until -d 'End before events stored at this time' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l last -d 'Begin with the last N events' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -s n -l count -d 'End after N events' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l timeout -d 'End after so long; exit 3 when `--count` or `--until-end` was not reached' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l where -d 'Show only events for which this jq filter on the record of `-o json` holds' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand tail" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand tail" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l until-end -d 'End after what was there at the start'
complete -c pf -n "__fish_pf_using_subcommand tail" -l create -d 'Make the store if it is not there, and wait'
complete -c pf -n "__fish_pf_using_subcommand tail" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand consume" -s g -l group -d 'Consumers of one group share its events [env: PF_GROUP]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -s j -l jobs -d 'Run so many at the same time, of different keys' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l instance -d 'Name of this member, whose partitions wait for it while it restarts (Kafka)' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l from -d 'Where a new group starts: earliest, new, a time, or an age such as 2h' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l max-attempts -d 'Runs that an event gets before it is a dead letter [default: the event\'s own, else 3]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l backoff -d 'Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause [default: 1s..5m*2]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l handler-timeout -d 'A run that takes longer is ended and has failed' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l on-exit -d 'What exit statuses mean, as in 3=dlq,4=retry:30s,5=ack,6=skip,7=stop' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l count -d 'End after so many events are done' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l timeout -d 'End after this long, with 3' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l grace -d 'How long a stop waits for runs to end' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l stdin -d 'What the command finds on its stdin' -r -f -a "event\t'The event as one line of JSON'
data\t'The data alone, as it is'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l naming -d 'Attribute names on stdin: lawful in CloudEvents, or those of the Go library (`pf_attempt`)' -r -f -a "cloudevents\t'Those that every SDK takes'
protoflow\t'Those of the Go library'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l ordered -d 'A retry holds up the later events of its key'
complete -c pf -n "__fish_pf_using_subcommand consume" -l emit -d 'Publish the events that the command writes to stdout, before its own event is done'
complete -c pf -n "__fish_pf_using_subcommand consume" -l until-end -d 'End when everything stored at the start is done, with the retries of what was taken'
complete -c pf -n "__fish_pf_using_subcommand consume" -l create -d 'Make the store and its topics if they are not there'
complete -c pf -n "__fish_pf_using_subcommand consume" -l plain -d 'Hand over messages that are no CloudEvents, wrapped in one'
complete -c pf -n "__fish_pf_using_subcommand consume" -l worker -d 'Keep the command running, once per job: a line in, a line out'
complete -c pf -n "__fish_pf_using_subcommand consume" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand consume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand caps" -l require -d 'Exit 5 unless all of these can be had; `delay:native` unless the broker itself does it' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand caps" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand caps" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l offline -d 'Ask no server: what this build knows about the transport'
complete -c pf -n "__fish_pf_using_subcommand caps" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand caps" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand doctor" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand doctor" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -l fix -d 'Mend what can be mended from here'
complete -c pf -n "__fish_pf_using_subcommand doctor" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand demo" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand demo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand demo" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand completions" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand completions" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand man" -l dir -d 'The folder' -r -F
complete -c pf -n "__fish_pf_using_subcommand man" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand man" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand man" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand man" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand man" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand man" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -f -a "list" -d 'List dead letters, oldest first, without their payloads'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -f -a "show" -d 'Show everything about dead letters, payload included'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -f -a "stats" -d 'Count dead letters by topic, group, kind and sort of failure'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -f -a "replay" -d 'Publish dead letters again, to the group that failed where the transport can do that'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -f -a "purge" -d 'Delete dead letters for good'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -f -a "capture" -d 'Make dead letters of what consumers of other programs gave up'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge capture help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l topic -d 'Topics that they were consumed from, as in `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l group -d 'The group that gave up' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l reason -d 'A part of the failure\'s message or class, in any letter case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l kind -d 'Why they were given up' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l fingerprint -d 'The sort of failure, as `pf dlq stats` shows it' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l since -d 'Dead since then: `1h` ago, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l until -d 'Dead before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l attempts -d 'At least so many failed runs, replays included' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l where -d 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l limit -d 'End after so many' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l topic -d 'Topics that they were consumed from, as in `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l group -d 'The group that gave up' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l reason -d 'A part of the failure\'s message or class, in any letter case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l kind -d 'Why they were given up' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l fingerprint -d 'The sort of failure, as `pf dlq stats` shows it' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l since -d 'Dead since then: `1h` ago, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l until -d 'Dead before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l attempts -d 'At least so many failed runs, replays included' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l where -d 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l all -d 'Show every dead letter'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l topic -d 'Topics that they were consumed from, as in `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l group -d 'The group that gave up' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l reason -d 'A part of the failure\'s message or class, in any letter case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l kind -d 'Why they were given up' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l fingerprint -d 'The sort of failure, as `pf dlq stats` shows it' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l since -d 'Dead since then: `1h` ago, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l until -d 'Dead before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l attempts -d 'At least so many failed runs, replays included' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l where -d 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l top -d 'Show so many rows, the most frequent first; `-o json` shows all' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l topic -d 'Topics that they were consumed from, as in `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l group -d 'The group that gave up' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l reason -d 'A part of the failure\'s message or class, in any letter case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l kind -d 'Why they were given up' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l fingerprint -d 'The sort of failure, as `pf dlq stats` shows it' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l since -d 'Dead since then: `1h` ago, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l until -d 'Dead before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l attempts -d 'At least so many failed runs, replays included' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l where -d 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l rate -d 'Letters per second' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l to -d 'Publish to another topic' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l max-replays -d 'Leave out letters that were replayed so often already' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l all -d 'Every dead letter of the store'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s y -l yes -d 'Do not ask'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s n -l dry-run -d 'Show the plan and do nothing'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l topic -d 'Topics that they were consumed from, as in `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l group -d 'The group that gave up' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l reason -d 'A part of the failure\'s message or class, in any letter case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l kind -d 'Why they were given up' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l fingerprint -d 'The sort of failure, as `pf dlq stats` shows it' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l since -d 'Dead since then: `1h` ago, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l until -d 'Dead before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l attempts -d 'At least so many failed runs, replays included' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l where -d 'A jq filter on the record, as in `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l rate -d 'Letters per second' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l all -d 'Every dead letter of the store'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s y -l yes -d 'Do not ask'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s n -l dry-run -d 'Show the plan and do nothing'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l until-end -d 'End after what was given up until now'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "list" -d 'List dead letters, oldest first, without their payloads'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show everything about dead letters, payload included'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Count dead letters by topic, group, kind and sort of failure'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "replay" -d 'Publish dead letters again, to the group that failed where the transport can do that'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Delete dead letters for good'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "capture" -d 'Make dead letters of what consumers of other programs gave up'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "list" -d 'List events that wait for their time, the next one first'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "show" -d 'Show events that wait for their time, payload included'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "cancel" -d 'Cancel events that wait for their time'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "reschedule" -d 'Give an event that waits another time'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "run" -d 'Deliver what is due, where somebody must be running for that'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l topic -d 'Only events for these topics' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l where -d 'Only events for which this jq filter on the record of `-o json` holds' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l limit -d 'End after so many' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l ids -d 'Read ids from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l delay -d 'Deliver no sooner than after this time from now, as in `90s`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l at -d 'Deliver no sooner than at this time, as in `2026-03-01T09:00:00Z` or `tomorrow 09:00`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "list" -d 'List events that wait for their time, the next one first'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show events that wait for their time, payload included'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel events that wait for their time'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "reschedule" -d 'Give an event that waits another time'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "run" -d 'Deliver what is due, where somebody must be running for that'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "add" -d 'Name a store; an existing name is given the new store'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "use" -d 'Use a context from now on'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "list" -d 'Show every context'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "show" -d 'Show one context, or the one in use'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "remove" -d 'Forget a context; the store is not touched'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l group -d 'The group of its consumers' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l password-file -d 'A file that holds the password' -r -F
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l ask-password -d 'Ask for the password whenever it is needed'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l context -d 'A store by the name that `pf context add` gave it [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l connect-timeout -d 'How long to wait for the store to answer [default: what the URL says, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -s o -l output -d 'How to write data' -r -f -a "text\t'For people'
json\t'One record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as it is stored, one per line'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l log -d 'Write a log to stderr, as in `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Leave out remarks; errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "add" -d 'Name a store; an existing name is given the new store'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "use" -d 'Use a context from now on'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show every context'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one context, or the one in use'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Forget a context; the store is not touched'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "publish" -d 'Publish one event, or a stream of them'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "tail" -d 'Show events as they come, or those that are stored'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "consume" -d 'Run a command for each event of a group'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "caps" -d 'Show what the transport can do'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "doctor" -d 'Check the store, and say what will bite'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "demo" -d 'Show the whole story: a retry, a delay, a dead letter and its replay'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "man" -d 'Print the manual page, or write the pages of all commands into a folder'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "dlq" -d 'Look at dead letters, publish them again, or delete them'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "schedule" -d 'Look at events that wait for their time, move or cancel them'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "context" -d 'Give stores a name'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish tail consume caps doctor demo completions man dlq schedule context help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "list" -d 'List dead letters, oldest first, without their payloads'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "show" -d 'Show everything about dead letters, payload included'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "stats" -d 'Count dead letters by topic, group, kind and sort of failure'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "replay" -d 'Publish dead letters again, to the group that failed where the transport can do that'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "purge" -d 'Delete dead letters for good'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "capture" -d 'Make dead letters of what consumers of other programs gave up'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "list" -d 'List events that wait for their time, the next one first'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "show" -d 'Show events that wait for their time, payload included'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "cancel" -d 'Cancel events that wait for their time'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "reschedule" -d 'Give an event that waits another time'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "run" -d 'Deliver what is due, where somebody must be running for that'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "add" -d 'Name a store; an existing name is given the new store'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "use" -d 'Use a context from now on'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "list" -d 'Show every context'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "show" -d 'Show one context, or the one in use'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "remove" -d 'Forget a context; the store is not touched'
