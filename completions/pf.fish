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
complete -c pf -n "__fish_pf_needs_command" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_needs_command" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_needs_command" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_needs_command" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_needs_command" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_needs_command" -s V -l version -d 'Print version'
complete -c pf -n "__fish_pf_needs_command" -f -a "publish" -d 'Publish one event, or a stream of them'
complete -c pf -n "__fish_pf_needs_command" -f -a "request" -d 'Publish a request, and print its replies'
complete -c pf -n "__fish_pf_needs_command" -f -a "tail" -d 'Show events as they arrive, or stored ones'
complete -c pf -n "__fish_pf_needs_command" -f -a "consume" -d 'Run a command for each event of a group'
complete -c pf -n "__fish_pf_needs_command" -f -a "caps" -d 'Show what the transport can do'
complete -c pf -n "__fish_pf_needs_command" -f -a "doctor" -d 'Check the store and the outbox and report problems with the command that fixes each'
complete -c pf -n "__fish_pf_needs_command" -f -a "demo" -d 'Run a demo: a retry, a delay, a dead letter and its replay'
complete -c pf -n "__fish_pf_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c pf -n "__fish_pf_needs_command" -f -a "man" -d 'Print the manual page, or write the pages of all commands to a folder'
complete -c pf -n "__fish_pf_needs_command" -f -a "outbox" -d 'Publish what a database\'s own transactions stored: transactional outboxes'
complete -c pf -n "__fish_pf_needs_command" -f -a "inbox" -d 'Keys of handled events in your own database, so that an effect is made once'
complete -c pf -n "__fish_pf_needs_command" -f -a "dlq" -d 'List, show, replay and purge dead letters'
complete -c pf -n "__fish_pf_needs_command" -f -a "schedule" -d 'List, show, reschedule and cancel delayed events'
complete -c pf -n "__fish_pf_needs_command" -f -a "context" -d 'Manage named stores'
complete -c pf -n "__fish_pf_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand publish" -l on-error -d 'What to do when a line cannot be published' -r -f -a "stop\t'Stop reading'
continue\t'Continue with the next line'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l rate -d 'At most N events per second' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l delay -d 'Deliver after this delay, such as `90s`' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l at -d 'Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l topic -d 'The topic [default: the type]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l source -d 'The source of the event [default: `//HOST/pf`]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l subject -d 'The subject of the event' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l id -d 'The id of the event [default: a ULID]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l key -d 'The key: events with the same key are kept in order [default: `partitionkey`, else the subject]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l time -d 'When it happened: a time such as `2026-03-01T09:00:00Z`, or an age such as `5m` [default: now]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l dataschema -d 'The URI of the schema of the data' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l correlation-id -d 'The correlation id, which related events share' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l extension -d 'Add an extension attribute; `NAME=VALUE` is text, `NAME:=JSON` a number or a boolean' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l header -d 'Add a transport header' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l mode -d 'How the event is encoded [default: set by the URL, else structured]' -r -f -a "structured\t'One JSON object'
binary\t'Attributes as headers'
protobuf\t'One protobuf message'
hexa\t'As hexa-event writes it (Kafka, NATS, Pulsar)'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l content-type -d 'The content type of the data; only JSON is validated' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l max-size -d 'Refuse data and lines longer than this, such as `4M` (bytes)' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l proto -d 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store' -r -F
complete -c pf -n "__fish_pf_using_subcommand publish" -s I -l proto-path -d 'A folder in which schema files and their imports are looked up [default: that of each file]' -r -F
complete -c pf -n "__fish_pf_using_subcommand publish" -l protoset -d 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it' -r -F
complete -c pf -n "__fish_pf_using_subcommand publish" -l message -d 'The message that the data is, as in `shop.v1.Order`, or \'order.*=shop.v1.Order\' for some topics [default: the one that `dataschema` names]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand publish" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand publish" -l lines -d 'Each line of stdin, without its LF or CRLF, is the data of an event'
complete -c pf -n "__fish_pf_using_subcommand publish" -l ndjson -d 'Each line of stdin is an event, or a record of `-o json`; pretty-printed events, JSON arrays of events and JSON text sequences are read too'
complete -c pf -n "__fish_pf_using_subcommand publish" -l ordered -d 'Send an event only after the previous one of its key is confirmed, so that order is kept even if the connection is lost'
complete -c pf -n "__fish_pf_using_subcommand publish" -l no-data -d 'Publish without data'
complete -c pf -n "__fish_pf_using_subcommand publish" -l allow-broker-headers -d 'Allow headers that the broker interprets (`Nats-*`)'
complete -c pf -n "__fish_pf_using_subcommand publish" -l require-consumer -d 'Refuse an event that would be dropped because no consumer covers its topic (JetStream, interest retention)'
complete -c pf -n "__fish_pf_using_subcommand publish" -l dedup -d 'Do not store an event whose topic, source and id were published with this flag before; `pf caps` says for how long they are known'
complete -c pf -n "__fish_pf_using_subcommand publish" -l create -d 'Create the topic if it does not exist'
complete -c pf -n "__fish_pf_using_subcommand publish" -l dry-run -d 'Check everything and show what would be published'
complete -c pf -n "__fish_pf_using_subcommand publish" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand publish" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand request" -l timeout -d 'How long to wait for replies' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l replies -d 'How many replies to wait for; `all` prints what comes until the end of the time' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l reply-topic -d 'The topic of the replies [default: `reply.` and the type]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l topic -d 'The topic of the request [default: the type]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l source -d 'The source of the request [default: `//HOST/pf`]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l subject -d 'The subject of the request' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l id -d 'The id of the request [default: a ULID]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l correlation-id -d 'The correlation id, which related events share' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l content-type -d 'The content type of the data; only JSON is validated' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l proto -d 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store' -r -F
complete -c pf -n "__fish_pf_using_subcommand request" -s I -l proto-path -d 'A folder in which schema files and their imports are looked up [default: that of each file]' -r -F
complete -c pf -n "__fish_pf_using_subcommand request" -l protoset -d 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it' -r -F
complete -c pf -n "__fish_pf_using_subcommand request" -l message -d 'The message that the data is, as in `shop.v1.Order`, or \'order.*=shop.v1.Order\' for some topics [default: the one that `dataschema` names]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand request" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand request" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand request" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand request" -l create -d 'Create the topics of the request and of the replies if they do not exist'
complete -c pf -n "__fish_pf_using_subcommand request" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand request" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand tail" -l since -d 'Start with events stored at this time or this long ago; `earliest` is the oldest one' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l until -d 'End at events stored at this time or this long ago' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l last -d 'Start with the last N events' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -s n -l count -d 'End after N events' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l timeout -d 'End after this time; exit 3 if `--count` or `--until-end` was not reached' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l where -d 'Show only events that match this jq filter on the record of `-o json`' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l proto -d 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store' -r -F
complete -c pf -n "__fish_pf_using_subcommand tail" -s I -l proto-path -d 'A folder in which schema files and their imports are looked up [default: that of each file]' -r -F
complete -c pf -n "__fish_pf_using_subcommand tail" -l protoset -d 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it' -r -F
complete -c pf -n "__fish_pf_using_subcommand tail" -l message -d 'The message that the data is, as in `shop.v1.Order`, or \'order.*=shop.v1.Order\' for some topics [default: the one that `dataschema` names]' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand tail" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand tail" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand tail" -l until-end -d 'End after the events that were stored at the start'
complete -c pf -n "__fish_pf_using_subcommand tail" -l create -d 'Create the store if it does not exist, and wait'
complete -c pf -n "__fish_pf_using_subcommand tail" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand consume" -s g -l group -d 'The group; its consumers share the events [env: PF_GROUP]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -s j -l jobs -d 'Handle up to N events at the same time, with different keys' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l instance -d 'Static name of this member, which keeps its partitions while it restarts (Kafka)' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l from -d 'Start of a new group: earliest, new, a time, or an age such as 2h' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l max-attempts -d 'Attempts before an event is dead-lettered [default: set by the event, else 3]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l backoff -d 'Pauses between attempts: FIRST..LONGEST*FACTOR with jitter, or one exact pause [default: 1s..5m*2]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l breaker-failures -d 'Open the breaker after N final failures in a row; 0 ignores such rows [default: 20]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l breaker-share -d 'Open the breaker when more than this share of recent events failed finally [default: 50%/100]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l dedup -d 'Handle an event once, however often it is stored: keep marks of what was handled, for WINDOW [default: 7d]. A copy is acknowledged without a run (`pf caps`: dedup-handling)' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l dedup-mode -d 'When to mark: with the settlement, or also before the run, so that none is repeated' -r -f -a "settled\t'With its settlement'
at-most-once\t'Before its run; one that never ended becomes a dead letter of kind `unknown`'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l action -d 'Name of what the command does, by which copies are recognised [default: the group]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l handler-timeout -d 'Time limit of a run; a longer one is killed and counts as failed' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l on-exit -d 'Actions for exit statuses, such as 3=dlq,4=retry:30s,5=ack,6=skip,7=stop' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l reply-to -d 'Topics that a request may name [default: reply.**]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l count -d 'End after N events were acknowledged, skipped or dead-lettered' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l timeout -d 'End after this time, with exit status 3' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l grace -d 'Time that a stop waits for runs to finish' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l where -d 'Handle only events that match this jq filter on the record of `-o json`; the others are acknowledged. All consumers of a group need the same filter' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l expired -d 'What to do with an event whose `expirytime` has passed' -r -f -a "skip\t'Acknowledge it and count it'
deliver\t'Give it to the command'
dead-letter\t'Dead-letter it'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l tombstones -d 'What to do with a message whose payload is null (on NATS, empty) and that is not an event [default: as with any message that is not a CloudEvent]' -r -f -a "skip\t'Acknowledge it and count it'
deliver\t'Give it to the command'
dead-letter\t'Dead-letter it'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l stdin -d 'What the command gets on its stdin' -r -f -a "event\t'The event as one line of JSON'
data\t'The data alone, unchanged'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l naming -d 'Attribute names on stdin: valid CloudEvents names, or those of the Go library (`pf_attempt`)' -r -f -a "cloudevents\t'Valid CloudEvents names, which every SDK reads'
protoflow\t'Names of the Go library'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l proto -d 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store' -r -F
complete -c pf -n "__fish_pf_using_subcommand consume" -s I -l proto-path -d 'A folder in which schema files and their imports are looked up [default: that of each file]' -r -F
complete -c pf -n "__fish_pf_using_subcommand consume" -l protoset -d 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it' -r -F
complete -c pf -n "__fish_pf_using_subcommand consume" -l message -d 'The message that the data is, as in `shop.v1.Order`, or \'order.*=shop.v1.Order\' for some topics [default: the one that `dataschema` names]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l metrics -d 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand consume" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand consume" -l ordered -d 'Keep order within a key: a retry delays its later events'
complete -c pf -n "__fish_pf_using_subcommand consume" -l wait -d 'Wait while another consumer holds an exclusive subscription, and take over (Pulsar)'
complete -c pf -n "__fish_pf_using_subcommand consume" -l no-breaker -d 'Handle all events, even if nearly every one fails'
complete -c pf -n "__fish_pf_using_subcommand consume" -l emit -d 'Publish the events that the command writes to stdout, then acknowledge'
complete -c pf -n "__fish_pf_using_subcommand consume" -l reply -d 'Reply to requests: each line that the command writes to stdout is the data of a reply. It is published to the topic that the request names (`replyto`), then the request is acknowledged'
complete -c pf -n "__fish_pf_using_subcommand consume" -l no-reply-errors -d 'Send no reply that says why a request was dead-lettered'
complete -c pf -n "__fish_pf_using_subcommand consume" -l until-end -d 'End when everything stored at the start is done, including its retries'
complete -c pf -n "__fish_pf_using_subcommand consume" -l create -d 'Create the store and its topics if they do not exist'
complete -c pf -n "__fish_pf_using_subcommand consume" -l plain -d 'Handle messages that are not CloudEvents, wrapped into one'
complete -c pf -n "__fish_pf_using_subcommand consume" -l worker -d 'Keep one command per job running: an event in, an answer out, one line each'
complete -c pf -n "__fish_pf_using_subcommand consume" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand consume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand caps" -l require -d 'Exit 5 unless all of these are supported; `delay:native` unless by the broker itself' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand caps" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand caps" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand caps" -l offline -d 'Show what this build knows about the transport, without asking a server'
complete -c pf -n "__fish_pf_using_subcommand caps" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand caps" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand doctor" -l in -d 'Check only the outbox in this database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand doctor" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand doctor" -l fix -d 'Fix the problems that can be fixed from here'
complete -c pf -n "__fish_pf_using_subcommand doctor" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand demo" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand demo" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand demo" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand demo" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand completions" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand completions" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand completions" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand completions" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand man" -l dir -d 'The folder to write the pages to' -r -F
complete -c pf -n "__fish_pf_using_subcommand man" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand man" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand man" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand man" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand man" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand man" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand man" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "create" -d 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "relay" -d 'Publish the rows of an outbox, in the order of each key'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "status" -d 'Show what waits in an outbox, who relays, and what holds up vacuum'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "list" -d 'List rows that were refused'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "show" -d 'Show a row: its event, and why it was refused'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "unblock" -d 'Publish refused or parked rows again'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "park" -d 'Park rows, so that they hold up nothing'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "clean" -d 'Delete rows that were published and kept, 10,000 in a transaction'
complete -c pf -n "__fish_pf_using_subcommand outbox; and not __fish_seen_subcommand_from create relay status list show unblock park clean help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -l print -d 'Only print the SQL, with the rights of a writer and a relay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l from -d 'The database of the outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l to -d 'The store to publish to, a URL or the name of a context [default: `--url` and its kin]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l keep -d 'Keep published rows, marked as sent, for this long; without it they are deleted' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l shards -d 'Divide the outbox into N shards by key, each relayed by itself; the same for every relay' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l lease -d 'How long a relay that died keeps its lease' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l metrics -d 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l until-end -d 'End when nothing is left to be published now'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l park -d 'Park a row that the target refuses for good, instead of holding up its key'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -l create -d 'Create missing topics and streams'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from relay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l limit -d 'End after N rows' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l parked -d 'Only parked rows'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -l all -d 'All rows that are not published'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from unblock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from park" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -l older-than -d 'Only rows that were published longer ago than this' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from clean" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "relay" -d 'Publish the rows of an outbox, in the order of each key'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "status" -d 'Show what waits in an outbox, who relays, and what holds up vacuum'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "list" -d 'List rows that were refused'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a row: its event, and why it was refused'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "unblock" -d 'Publish refused or parked rows again'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "park" -d 'Park rows, so that they hold up nothing'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "clean" -d 'Delete rows that were published and kept, 10,000 in a transaction'
complete -c pf -n "__fish_pf_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -f -a "create" -d 'Create the table of an inbox, `pf_inbox`'
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -f -a "clean" -d 'Delete old keys, 10,000 in a transaction'
complete -c pf -n "__fish_pf_using_subcommand inbox; and not __fish_seen_subcommand_from create clean help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -l print -d 'Only print the SQL, with the rights of a handler'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -l in -d 'The database, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE` [env: PF_OUTBOX] [default: the context\'s `outbox`]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -l older-than -d 'Only keys that were entered longer ago than this; later copies of their events are handled again' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from clean" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create the table of an inbox, `pf_inbox`'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "clean" -d 'Delete old keys, 10,000 in a transaction'
complete -c pf -n "__fish_pf_using_subcommand inbox; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "list" -d 'List dead letters, oldest first, without their payloads'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "show" -d 'Show everything about dead letters, with their payload'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "stats" -d 'Count dead letters by topic, group, kind and fingerprint'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "replay" -d 'Publish dead letters again, where possible only to the group that failed'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "purge" -d 'Delete dead letters permanently'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "edit" -d 'Edit the event of a dead letter in $VISUAL or $EDITOR'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "apply" -d 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "jobs" -d 'List, show, resume and cancel replay and purge jobs'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "archive" -d 'Put dead letters aside: only `--archived` shows them, until they are restored'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "restore" -d 'Take dead letters out of the archive'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "fixed" -d 'Call a failure fixed; the first new dead letter of it is marked as a regression'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "check" -d 'Check dead letters against limits; exit 3 if one is exceeded'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "export" -d 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "import" -d 'Store exported dead letters, each unless its id exists'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "log" -d 'Show who changed which dead letters, when and why'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "policy" -d 'Show, set or try the policy of the store: a guardrail for operators and scripts'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "capture" -d 'Turn messages that other consumers gave up on into dead letters'
complete -c pf -n "__fish_pf_using_subcommand dlq; and not __fish_seen_subcommand_from list show stats replay purge edit apply jobs archive restore fixed check export import log policy capture help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l limit -d 'End after N dead letters' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l proto -d 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -s I -l proto-path -d 'A folder in which schema files and their imports are looked up [default: that of each file]' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l protoset -d 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l message -d 'The message that the data is, as in `shop.v1.Order`, or \'order.*=shop.v1.Order\' for some topics [default: the one that `dataschema` names]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -l all -d 'Show every dead letter'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l top -d 'Show the N most frequent rows; `-o json` shows all' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l rate -d 'At most N dead letters per second' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l plan -d 'Write the plan to a file instead of running it; `pf dlq apply` runs it' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l because -d 'Why, for the log of the store (`pf dlq log`)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l metrics -d 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l to -d 'Publish to another topic' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l max-replays -d 'Leave out dead letters that were replayed N times or more' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l edit -d 'Edit the events first, by jq on the record, such as `.event.data.amount |= tonumber`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l stop-on-refail -d 'Stop when more than this share of what was replayed has died again, such as `20%`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l canary -d 'First run the command after `--` on copies of the first N dead letters, and replay only if it handles each; without a command, replay the first N, and the rest only once their group has handled them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l canary-timeout -d 'Without a command: how long the group may take to handle the first N [default: 5m]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l handler-timeout -d 'Time limit of a run; a longer one is killed and counts as failed' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l on-exit -d 'Actions for exit statuses, as for `pf consume`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l stdin -d 'What the command gets on its stdin [default: event]' -r -f -a "event\t'The event as one line of JSON'
data\t'The data alone, unchanged'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l proto -d 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s I -l proto-path -d 'A folder in which schema files and their imports are looked up [default: that of each file]' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l protoset -d 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l message -d 'The message that the data is, as in `shop.v1.Order`, or \'order.*=shop.v1.Order\' for some topics [default: the one that `dataschema` names]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l all -d 'Select every dead letter of the store'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s y -l yes -d 'Do not ask for confirmation'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s n -l dry-run -d 'Show the plan only'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l emit -d 'Show the events that the command writes to stdout, and check that they could be published'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l rate -d 'At most N dead letters per second' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l plan -d 'Write the plan to a file instead of running it; `pf dlq apply` runs it' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l because -d 'Why, for the log of the store (`pf dlq log`)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l metrics -d 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l older-than -d 'Those that were dead-lettered longer ago, such as `30d`: the same as `--until`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l export -d 'Export them to a new file first' -r -F
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -l all -d 'Select every dead letter of the store'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s y -l yes -d 'Do not ask for confirmation'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s n -l dry-run -d 'Show the plan only'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l because -d 'Why, for the log of the store (`pf dlq log`)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from edit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l rate -d 'At most N dead letters per second' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l canary -d 'First replay N, and the rest only once their group has handled them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l canary-timeout -d 'How long the group may take to handle the first N [default: 5m]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l because -d 'Why, for the log of the store (`pf dlq log`)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l metrics -d 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -f -a "list" -d 'List the jobs that have not ended'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -f -a "show" -d 'Show a job, also one that has ended'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -f -a "resume" -d 'Resume an interrupted job'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -f -a "cancel" -d 'Cancel a job; what it has not resolved stays a dead letter'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from jobs" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l because -d 'Why, for the log of the store (`pf dlq log`)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -l all -d 'Select every one'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from archive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l because -d 'Why, for the log of the store (`pf dlq log`)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -l all -d 'Select every one'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -l in -d 'The version of the handler that fixes it' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -l note -d 'A remark for those who see it come back' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from fixed" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l max-depth -d 'At most N dead letters' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l max-age -d 'None was dead-lettered longer ago, such as `1d`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l max-rate -d 'At most N were dead-lettered within the last span of time, such as `10/h` or `5/15m`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -l no-regressions -d 'No dead letter of a failure that `pf dlq fixed` called fixed before'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l ids -d 'Read ids, or records of `-o json`, from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l topic -d 'Topics of the original messages, such as `order.*`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l dead-letter-topic -d 'Read this topic too, which holds dead letters of another program (also as `?dead-letters=` in the URL)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l group -d 'The group that dead-lettered them' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l type -d 'The type of the event' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l reason -d 'Part of the failure\'s message or class, ignoring case' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l kind -d 'Why they were dead-lettered' -r -f -a "decode\t''
permanent\t''
exhausted\t''
terminated\t''
crashed\t''
unknown\t''
expired\t''"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l fingerprint -d 'The fingerprint of the failure, as shown by `pf dlq stats`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l since -d 'Dead-lettered since then: an age such as `1h`, or a time' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l until -d 'Dead-lettered before then' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l attempts -d 'At least N failed runs, including those before replays' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l where -d 'A jq filter on the record, such as `.event.data.amount > 100` or `.dead_letter.crashes > 0`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l mask -d 'Replace the values at this path of the record by `***`; may be given several times' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l archived -d 'Those that are archived, and no others'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -l all -d 'Export every dead letter of the store'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l because -d 'Why, for the log of the store (`pf dlq log`)' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -s n -l dry-run -d 'Check the lines, and whether the store can hold them, without storing any'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l skip-unfit -d 'Import the rest if the store cannot hold some of them; exit 4'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -l create -d 'Create the store if it does not exist'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -l last -d 'Only the last N entries' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -f -a "show" -d 'Show the policy of the store'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -f -a "set" -d 'Set the policy of the store'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -f -a "test" -d 'Read a policy without setting it, and say what it would forbid'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from policy" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -l until-end -d 'End after the messages given up so far'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from capture" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "list" -d 'List dead letters, oldest first, without their payloads'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show everything about dead letters, with their payload'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Count dead letters by topic, group, kind and fingerprint'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "replay" -d 'Publish dead letters again, where possible only to the group that failed'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Delete dead letters permanently'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "edit" -d 'Edit the event of a dead letter in $VISUAL or $EDITOR'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "apply" -d 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "jobs" -d 'List, show, resume and cancel replay and purge jobs'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "archive" -d 'Put dead letters aside: only `--archived` shows them, until they are restored'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "restore" -d 'Take dead letters out of the archive'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "fixed" -d 'Call a failure fixed; the first new dead letter of it is marked as a regression'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "check" -d 'Check dead letters against limits; exit 3 if one is exceeded'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "export" -d 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "import" -d 'Store exported dead letters, each unless its id exists'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "log" -d 'Show who changed which dead letters, when and why'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "policy" -d 'Show, set or try the policy of the store: a guardrail for operators and scripts'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "capture" -d 'Turn messages that other consumers gave up on into dead letters'
complete -c pf -n "__fish_pf_using_subcommand dlq; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "list" -d 'List delayed events, the next one first'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "show" -d 'Show delayed events with their payload'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "cancel" -d 'Cancel delayed events'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "reschedule" -d 'Change the delivery time of a delayed event'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "run" -d 'Deliver due events, on transports that need a running process for it'
complete -c pf -n "__fish_pf_using_subcommand schedule; and not __fish_seen_subcommand_from list show cancel reschedule run help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l topic -d 'Only events for these topics' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l where -d 'Only events that match this jq filter on the record of `-o json`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l limit -d 'End after N schedules' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l ids -d 'Read ids from a file, one per line; `-` is stdin' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l delay -d 'Deliver after this delay from now, such as `90s`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l at -d 'Deliver at this time, such as `2026-03-01T09:00:00Z` or `tomorrow 09:00`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from reschedule" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l metrics -d 'Serve Prometheus metrics at /metrics, and /healthz, here: HOST:PORT, or :PORT for this host only' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "list" -d 'List delayed events, the next one first'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show delayed events with their payload'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "cancel" -d 'Cancel delayed events'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "reschedule" -d 'Change the delivery time of a delayed event'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "run" -d 'Deliver due events, on transports that need a running process for it'
complete -c pf -n "__fish_pf_using_subcommand schedule; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "add" -d 'Add a named store, or replace it'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "use" -d 'Make a context the default'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "list" -d 'List all contexts'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "show" -d 'Show a context, by default the one in use'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "remove" -d 'Remove a context; the store itself is not touched'
complete -c pf -n "__fish_pf_using_subcommand context; and not __fish_seen_subcommand_from add use list show remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l group -d 'The default group of its consumers' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l outbox -d 'The database of its outbox, as in `postgres://USER@HOST/DATABASE` or `sqlite:FILE`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l password-file -d 'A file that holds the password' -r -F
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l proto -d 'A schema file (`.proto`): the data of its messages is JSON here, and bytes in the store' -r -F
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -s I -l proto-path -d 'A folder in which schema files and their imports are looked up [default: that of each file]' -r -F
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l protoset -d 'A descriptor set, as `buf build` and `protoc --include_imports --descriptor_set_out` write it' -r -F
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l message -d 'The message that the data is, as in `shop.v1.Order`, or \'order.*=shop.v1.Order\' for some topics [default: the one that `dataschema` names]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -l ask-password -d 'Prompt for the password when it is needed'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from use" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l url -d 'The store, as in `sqlite:events.db` [env: PF_URL]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l context -d 'The store with this context name, see `pf context` [env: PF_CONTEXT]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l connect-timeout -d 'Time to wait for the store to answer [default: set by the URL, else 5s]' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -s o -l output -d 'Output format' -r -f -a "text\t'For people'
json\t'One JSON record per line, from which the message can be rebuilt byte for byte'
event\t'The bare event, one per line'
data\t'The data of the event, one per line'
raw\t'The payload as stored, one per line'
batch\t'One JSON array of bare events; only `pf tail` with an end'
prometheus\t'Metrics for Prometheus, of `pf dlq check`'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -l log -d 'Write a log to stderr; a level or filter such as `debug` or `protoflow=trace`' -r
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -s q -l quiet -d 'Print no notices; warnings, errors and their hints stay'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a named store, or replace it'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "use" -d 'Make a context the default'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "list" -d 'List all contexts'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show a context, by default the one in use'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a context; the store itself is not touched'
complete -c pf -n "__fish_pf_using_subcommand context; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "publish" -d 'Publish one event, or a stream of them'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "request" -d 'Publish a request, and print its replies'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "tail" -d 'Show events as they arrive, or stored ones'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "consume" -d 'Run a command for each event of a group'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "caps" -d 'Show what the transport can do'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "doctor" -d 'Check the store and the outbox and report problems with the command that fixes each'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "demo" -d 'Run a demo: a retry, a delay, a dead letter and its replay'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "man" -d 'Print the manual page, or write the pages of all commands to a folder'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "outbox" -d 'Publish what a database\'s own transactions stored: transactional outboxes'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "inbox" -d 'Keys of handled events in your own database, so that an effect is made once'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "dlq" -d 'List, show, replay and purge dead letters'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "schedule" -d 'List, show, reschedule and cancel delayed events'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "context" -d 'Manage named stores'
complete -c pf -n "__fish_pf_using_subcommand help; and not __fish_seen_subcommand_from publish request tail consume caps doctor demo completions man outbox inbox dlq schedule context help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "create" -d 'Create the tables of an outbox, and the function `pf_emit` in PostgreSQL'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "relay" -d 'Publish the rows of an outbox, in the order of each key'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "status" -d 'Show what waits in an outbox, who relays, and what holds up vacuum'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "list" -d 'List rows that were refused'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "show" -d 'Show a row: its event, and why it was refused'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "unblock" -d 'Publish refused or parked rows again'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "park" -d 'Park rows, so that they hold up nothing'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "clean" -d 'Delete rows that were published and kept, 10,000 in a transaction'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from inbox" -f -a "create" -d 'Create the table of an inbox, `pf_inbox`'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from inbox" -f -a "clean" -d 'Delete old keys, 10,000 in a transaction'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "list" -d 'List dead letters, oldest first, without their payloads'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "show" -d 'Show everything about dead letters, with their payload'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "stats" -d 'Count dead letters by topic, group, kind and fingerprint'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "replay" -d 'Publish dead letters again, where possible only to the group that failed'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "purge" -d 'Delete dead letters permanently'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "edit" -d 'Edit the event of a dead letter in $VISUAL or $EDITOR'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "apply" -d 'Run a plan that `--plan FILE` wrote: exactly its dead letters, or none'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "jobs" -d 'List, show, resume and cancel replay and purge jobs'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "archive" -d 'Put dead letters aside: only `--archived` shows them, until they are restored'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "restore" -d 'Take dead letters out of the archive'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "fixed" -d 'Call a failure fixed; the first new dead letter of it is marked as a regression'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "check" -d 'Check dead letters against limits; exit 3 if one is exceeded'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "export" -d 'Write dead letters as NDJSON, byte for byte and with their story, for `pf dlq import`'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "import" -d 'Store exported dead letters, each unless its id exists'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "log" -d 'Show who changed which dead letters, when and why'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "policy" -d 'Show, set or try the policy of the store: a guardrail for operators and scripts'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from dlq" -f -a "capture" -d 'Turn messages that other consumers gave up on into dead letters'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "list" -d 'List delayed events, the next one first'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "show" -d 'Show delayed events with their payload'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "cancel" -d 'Cancel delayed events'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "reschedule" -d 'Change the delivery time of a delayed event'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from schedule" -f -a "run" -d 'Deliver due events, on transports that need a running process for it'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "add" -d 'Add a named store, or replace it'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "use" -d 'Make a context the default'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "list" -d 'List all contexts'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "show" -d 'Show a context, by default the one in use'
complete -c pf -n "__fish_pf_using_subcommand help; and __fish_seen_subcommand_from context" -f -a "remove" -d 'Remove a context; the store itself is not touched'
