#!/usr/bin/env bash
# Becomes a standalone broker: its metadata store, its bookie and its web service in one small process.
#
#   tests/support/pulsar/start.sh PULSAR FOLDER [OPTION OF JAVA...]    FOLDER has the file `settings`, and gets `data`
set -euo pipefail
pulsar=$1 folder=$2
shift 2

opens=()
for package in java.base/sun.net java.base/java.lang java.base/java.util java.base/java.io java.base/java.util.zip \
    java.base/java.nio java.base/jdk.internal.platform java.base/jdk.internal.misc java.management/sun.management; do
    opens+=(--add-opens "$package=ALL-UNNAMED")
done
exec java "$@" -Xmx320m -XX:MaxDirectMemorySize=96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Dpulsar.log.root.level=warn -Dpulsar.log.level=warn -Dio.netty.tryReflectionSetAccessible=true "${opens[@]}" \
    -cp "$pulsar/jars/*" org.apache.pulsar.PulsarStandaloneStarter --config "$folder/settings" \
    --no-functions-worker --no-stream-storage \
    --metadata-dir "$folder/data/metadata" --bookkeeper-dir "$folder/data/bookkeeper"
