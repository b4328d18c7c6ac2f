import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.text.Normalizer;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.jwe.JsonWebEncryption;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.PublicJsonWebKey;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.json.JsonUtil;

/** Posts an inquiry over HTTP and reads the answer (KEY_SET GATEWAY), or opens an event's value (KEY_SET open EVENT JWE). */
public final class Ask {
  private static final Base64.Encoder B64 = Base64.getUrlEncoder().withoutPadding();

  private final String agency;
  private final String name;
  private final JsonWebKeySet keys;

  Ask(String keySet) throws Exception {
    Map<String, Object> members = JsonUtil.parseJson(keySet);
    agency = (String) members.get("agency");
    name = (String) members.get("system");
    keys = new JsonWebKeySet(keySet);
  }

  /** CJK compatibility ideographs stay as they are, since NFC would replace them: they stand in people's names. */
  private static final Pattern KEPT = Pattern.compile("[\\x{F900}-\\x{FAFF}\\x{2F800}-\\x{2FA1F}]");

  static String normal(String text) {
    StringBuilder out = new StringBuilder();
    Matcher kept = KEPT.matcher(text);
    int from = 0;
    for (; kept.find(); from = kept.end()) {
      out.append(Normalizer.normalize(text.substring(from, kept.start()), Normalizer.Form.NFC)).append(kept.group());
    }
    return out.append(Normalizer.normalize(text.substring(from), Normalizer.Form.NFC)).toString();
  }

  /** The one spelling: sorted keys, no white space, normal form, and only what JSON must escape is escaped. */
  static String canonical(Object value) {
    if (value instanceof Map<?, ?> map) {
      StringBuilder out = new StringBuilder("{");
      new TreeMap<>(map).forEach((key, entry) ->
          out.append(out.length() > 1 ? "," : "").append(canonical(key)).append(':').append(canonical(entry)));
      return out.append('}').toString();
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Ask::canonical).collect(java.util.stream.Collectors.joining(",", "[", "]"));
    }
    return value instanceof String text ? quoted(normal(text)) : String.valueOf(value);
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char one : text.toCharArray()) {
      switch (one) {
        case '"', '\\' -> out.append('\\').append(one);
        case '\b' -> out.append("\\b");
        case '\t' -> out.append("\\t");
        case '\n' -> out.append("\\n");
        case '\f' -> out.append("\\f");
        case '\r' -> out.append("\\r");
        default -> out.append(one < ' ' ? String.format("\\u%04x", (int) one) : String.valueOf(one));
      }
    }
    return out.append('"').toString();
  }

  /** The claim h: SHA-256 over the label and the three parts, each after its length in four bytes. */
  static String digest(String control, String number, String business) throws Exception {
    MessageDigest hash = MessageDigest.getInstance("SHA-256");
    for (String part : List.of("renkei/request/1", control, number, business)) {
      byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
      hash.update(ByteBuffer.allocate(4).putInt(bytes.length).array());
      hash.update(bytes);
    }
    return B64.encodeToString(hash.digest());
  }

  /** Signs claims with the key of use sig that began last. */
  String sign(Map<String, Object> claims) throws Exception {
    long now = Instant.now().getEpochSecond();
    PublicJsonWebKey newest = null;
    for (JsonWebKey key : keys.findJsonWebKeys(null, null, "sig", null)) {
      if (begun(key) <= now && (newest == null || begun(key) >= begun(newest))) newest = (PublicJsonWebKey) key;
    }
    Map<String, Object> all = new TreeMap<>(claims);
    all.put("iss", agency);
    all.put("exp", now + 300);
    JsonWebSignature token = new JsonWebSignature();
    token.setAlgorithmHeaderValue("EdDSA");
    token.setKeyIdHeaderValue(newest.getKeyId());
    token.setKey(newest.getPrivateKey());
    token.setPayload(canonical(all));
    return token.getCompactSerialization();
  }

  private static long begun(JsonWebKey key) {
    Long began = key.getOtherParameterValue("nbf", Long.class);
    return began == null ? 0 : began;
  }

  /** The answer of an event, if it is sealed to this system in this event. */
  String open(String token, String event) throws Exception {
    JsonWebEncryption jwe = new JsonWebEncryption();
    jwe.setAlgorithmConstraints(new AlgorithmConstraints(ConstraintType.PERMIT, "ECDH-ES"));
    jwe.setContentEncryptionAlgorithmConstraints(new AlgorithmConstraints(ConstraintType.PERMIT, "A256GCM"));
    jwe.setCompactSerialization(token);
    String reader = agency + "/" + name;
    if (!encoded(event).equals(jwe.getHeader("apu")) || !encoded(reader).equals(jwe.getHeader("apv"))) {
      throw new IllegalArgumentException("the answer belongs to another event or another system");
    }
    JsonWebKey key = keys.findJsonWebKey(jwe.getKeyIdHeaderValue(), null, "enc", null);
    if (key == null) throw new IllegalArgumentException("the key set has no key of this kid");
    jwe.setKey(((PublicJsonWebKey) key).getPrivateKey());
    return jwe.getPlaintextString();
  }

  private static String encoded(String text) {
    return B64.encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** A new id: 48 bits of milliseconds, then random bits (RFC 9562). */
  static String uuid7() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long high = System.currentTimeMillis() << 16 | 0x7000 | random.nextLong(0x1000);
    return new UUID(high, random.nextLong() >>> 2 | Long.MIN_VALUE).toString();
  }

  /** Posts an inquiry and waits for its answer. */
  String ask(String gateway) throws Exception {
    String id = uuid7();
    Map<String, Object> officer =
        Map.of("office", "子育て支援課", "role", "allowance_clerk", "staff", "hamamatsu-0107");
    Map<String, Object> control = Map.of(
        "id", id, "sender", agency, "receiver", "221007", "officer", officer,
        "basis", Map.of("edition", "2015-12-27", "row", "57", "branch", 2),
        "item", Map.of("name", "income_tax_certificate", "layout", 1));
    Map<String, Object> business = Map.of("period", Map.of("year", 2026));
    String number = "SYN0000001";
    String assertion = sign(Map.of(
        "jti", id, "office", officer.get("office"), "role", officer.get("role"), "officer", officer.get("staff"),
        "h", digest(canonical(control), number, canonical(business))));
    String body = canonical(Map.of("control", control, "subject", number, "business", business));
    HttpResponse<String> posted = call(gateway + "/v1/inquiries", assertion, body);
    if (posted.statusCode() != 202) throw new IOException(posted.statusCode() + " " + posted.body());
    for (int tries = 0; tries < 300; tries++) {
      String reading = sign(Map.of("method", "GET", "exchange", id));
      HttpResponse<String> answer = call(gateway + "/v1/exchanges/" + id + "/answer", reading, null);
      if (answer.statusCode() == 200) return answer.body();
      Thread.sleep(100); // 404: there is no answer yet
    }
    throw new IOException("no answer within 30 s; it may still come");
  }

  private static HttpResponse<String> call(String url, String assertion, String body) throws Exception {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
        .header("Authorization", "Bearer " + assertion).header("Content-Type", "application/json");
    if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
    return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  public static void main(String[] arguments) throws Exception {
    Ask system = new Ask(Files.readString(Path.of(arguments[0])));
    System.out.println(arguments[1].equals("open")
        ? system.open(Files.readString(Path.of(arguments[3])).strip(), arguments[2])
        : system.ask(arguments[1]));
  }
}
