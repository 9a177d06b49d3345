import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.pulsar.client.api.CompressionType;
import org.apache.pulsar.client.api.Consumer;
import org.apache.pulsar.client.api.DeadLetterPolicy;
import org.apache.pulsar.client.api.Message;
import org.apache.pulsar.client.api.MessageId;
import org.apache.pulsar.client.api.Producer;
import org.apache.pulsar.client.api.PulsarClient;
import org.apache.pulsar.client.api.Reader;
import org.apache.pulsar.client.api.SubscriptionInitialPosition;
import org.apache.pulsar.client.api.SubscriptionType;

/**
 * Does one thing with the official client for Java, and prints what came of it, one message a line: the key, the text and the
 * properties, between tabs.
 *
 * <pre>Client URL COMMAND TOPIC [OPTION=VALUE...]</pre>
 */
public class Client {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (int number = 3; number < arguments.length; number++) {
            String[] pair = arguments[number].split("=", 2);
            options.put(pair[0], pair[1]);
        }
        String topic = arguments[2];
        try (PulsarClient client = PulsarClient.builder().serviceUrl(arguments[0]).build()) {
            switch (arguments[1]) {
                case "write" -> write(client, topic, options);
                case "write-chunks" -> writeChunks(client, topic, options);
                case "read" -> read(client, topic);
                case "give-up" -> retry(client, topic, options, 3 * Integer.parseInt(options.get("count")));
                case "retry-once" -> retry(client, topic, options, 1);
                default -> throw new IllegalArgumentException(arguments[1]);
            }
        }
        System.exit(0);
    }

    /** Writes messages with the keys k0, k1... and their number as the text. */
    private static void write(PulsarClient client, String topic, Map<String, String> options) throws Exception {
        CompressionType compression = CompressionType.valueOf(options.getOrDefault("compression", "NONE"));
        try (Producer<byte[]> producer = client.newProducer().topic(topic).compressionType(compression).create()) {
            for (int number = 0; number < Integer.parseInt(options.get("count")); number++) {
                producer.newMessage().key("k" + number).property("n", "" + number)
                    .value(("java-" + number).getBytes(StandardCharsets.UTF_8)).sendAsync();
            }
            producer.flush();
        }
    }

    /** Writes messages of 300,000 bytes in chunks of 100,000. */
    private static void writeChunks(PulsarClient client, String topic, Map<String, String> options) throws Exception {
        byte[] text = new byte[300_000];
        for (int number = 0; number < text.length; number++) {
            text[number] = (byte) ('a' + number % 23);
        }
        CompressionType compression = CompressionType.valueOf(options.get("compression"));
        try (Producer<byte[]> producer = client.newProducer().topic(topic).enableBatching(false).enableChunking(true)
                .chunkMaxMessageSize(100_000).compressionType(compression).create()) {
            for (int number = 0; number < Integer.parseInt(options.get("count")); number++) {
                producer.newMessage().property("n", "" + number).value(text).send();
            }
        }
    }

    private static void read(PulsarClient client, String topic) throws Exception {
        try (Reader<byte[]> reader = client.newReader().topic(topic).startMessageId(MessageId.earliest).create()) {
            while (reader.hasMessageAvailable()) {
                print(reader.readNext(20, TimeUnit.SECONDS));
            }
        }
    }

    /** Retries so many times by the retry topic; after two retries a message is a dead letter. */
    private static void retry(PulsarClient client, String topic, Map<String, String> options, int times)
            throws Exception {
        DeadLetterPolicy policy = DeadLetterPolicy.builder().maxRedeliverCount(2).initialSubscriptionName("pf-dlq").build();
        try (Consumer<byte[]> consumer = client.newConsumer().topic(topic).subscriptionName(options.get("group"))
                .subscriptionType(SubscriptionType.Shared).enableRetry(true).deadLetterPolicy(policy)
                .subscriptionInitialPosition(SubscriptionInitialPosition.Earliest).subscribe()) {
            for (int number = 0; number < times; number++) {
                consumer.reconsumeLater(consumer.receive(20, TimeUnit.SECONDS), 100, TimeUnit.MILLISECONDS);
            }
        }
    }

    private static void print(Message<byte[]> message) {
        String text = new String(message.getData(), 0, Math.min(80, message.size()), StandardCharsets.UTF_8);
        System.out.println("\t" + message.getKey() + "\t" + text + "\t" + new TreeMap<>(message.getProperties()));
    }
}
