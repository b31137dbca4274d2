// Reads messages with Kafka's own generated classes and writes them again. Lines in: class, version, hex. Lines out: hex,
// or the error. Run by definitions-java.long.test.ts.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

class Reencode {
  public static void main(String[] arguments) throws Exception {
    HexFormat hex = HexFormat.of();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] parts = line.split(" ", -1);
      try {
        short version = Short.parseShort(parts[1]);
        Message message = find(parts[0]);
        ByteBuffer given = ByteBuffer.wrap(hex.parseHex(parts[2]));
        message.read(new ByteBufferAccessor(given), version);
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer written = ByteBuffer.allocate(message.size(cache, version) + given.remaining());
        message.write(new ByteBufferAccessor(written), cache, version);
        written.put(given);
        System.out.println(hex.formatHex(written.array()));
      } catch (Exception error) {
        System.out.println(error);
      }
    }
  }

  static Message find(String name) throws Exception {
    String[] places = {
      "org.apache.kafka.common.message." + name + "Data",
      "org.apache.kafka.common.message." + name,
      "org.apache.kafka.coordinator.group.generated." + name,
      "org.apache.kafka.coordinator.transaction.generated." + name,
    };
    for (String place : places) {
      try {
        return (Message) Class.forName(place).getDeclaredConstructor().newInstance();
      } catch (ClassNotFoundException next) {
        continue;
      }
    }
    throw new ClassNotFoundException(name);
  }
}
