// Reads record batches with Kafka's own classes and prints what it finds, one line a record:
//   java -cp "$KAFKA_LIBS/*" ReadBatches.java FILE
//   offset|timestamp|key hex or -|value hex or -|header key=value hex;...
// Every batch is checked with ensureValid() first. Used by test/unit/record/java.test.ts.

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;

public class ReadBatches {
    static String hex(ByteBuffer buffer) {
        if (buffer == null) return "-";
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    public static void main(String[] args) throws Exception {
        StringBuilder out = new StringBuilder();
        byte[] file = Files.readAllBytes(Path.of(args[0]));
        for (RecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(file)).batches()) {
            batch.ensureValid();
            out.append("batch|").append(batch.compressionType().name).append('|').append(batch.producerId())
                .append('|').append(batch.producerEpoch()).append('|').append(batch.baseSequence())
                .append('|').append(batch.isTransactional()).append('|').append(batch.isControlBatch())
                .append('|').append(batch.timestampType().name).append('|').append(batch.maxTimestamp())
                .append('|').append(batch.lastOffset()).append('\n');
            for (Record record : batch) {
                out.append(record.offset()).append('|').append(record.timestamp()).append('|')
                    .append(hex(record.key())).append('|').append(hex(record.value())).append('|');
                for (Header header : record.headers()) {
                    out.append(HexFormat.of().formatHex(header.key().getBytes(StandardCharsets.UTF_8))).append('=');
                    byte[] value = header.value();
                    out.append(value == null ? "-" : HexFormat.of().formatHex(value)).append(';');
                }
                out.append('\n');
            }
        }
        System.out.print(out);
    }
}
