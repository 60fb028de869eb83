// Takes one batch, and keeps its lease for as long as the job takes.
// usage: java Worker.java http://127.0.0.1:8080   (Java 17 or later)
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

public class Worker {
  // A msg begins so; a library for JSON reads the payload, too.
  static final Pattern MSG = Pattern.compile("^\\{\"id\":\"([0-9a-v]+)\",\"period\":(\\d+)");
  static final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  static String url;
  static volatile boolean done = false;

  // What takes long.
  static void job(long period) throws InterruptedException {
    Thread.sleep(period);
  }

  static HttpResponse<String> report(String body) throws IOException, InterruptedException {
    var request = HttpRequest.newBuilder(URI.create(url + "/report"))
        .timeout(Duration.ofSeconds(10)).POST(BodyPublishers.ofString(body)).build();
    return http.send(request, BodyHandlers.ofString());
  }

  static void lost(String why) {
    System.err.println(why);
    System.exit(1); // ends the job, too
  }

  static void keep(String batch) {
    try {
      var answer = report("{\"batch\":\"" + batch + "\",\"ids\":[],\"partial\":true}");
      if (answer.statusCode() == 409 && !done) lost(answer.body()); // the batch is over
    } catch (IOException | InterruptedException error) {
      System.err.println("not kept this time: " + error); // the next one makes up for it
    }
  }

  static void work(String batch, long lease, String id, long period) {
    var keeper = Executors.newSingleThreadScheduledExecutor();
    keeper.scheduleAtFixedRate(() -> keep(batch), lease / 3, lease / 3, TimeUnit.MILLISECONDS);
    try {
      job(period);
      done = true;
      keeper.shutdown();
      for (;; Thread.sleep(1000)) {
        try {
          var answer = report("{\"batch\":\"" + batch + "\",\"ids\":[\"" + id + "\"]}");
          if (answer.statusCode() == 200) {
            System.out.println(answer.body());
            return;
          }
          if (answer.statusCode() != 503) lost(answer.body()); // 409: the work came too late
        } catch (IOException error) {
          System.err.println("not answered: " + error);
        }
      }
    } catch (InterruptedException error) {
      lost("the job was interrupted");
    }
  }

  public static void main(String[] args) throws Exception {
    url = args[0];
    var request = HttpRequest.newBuilder(URI.create(url + "/task?batchsize=1&batches=1")).build();
    var stream = http.send(request, BodyHandlers.ofLines());
    long lease = stream.headers().firstValueAsLong("Pena-Lease").orElseThrow();
    var batch = new String[1];
    try (var lines = stream.body()) {
      lines.forEach(line -> {
        if (line.startsWith("id: ")) batch[0] = line.substring(4);
        if (!line.startsWith("data: ")) return;
        var msg = MSG.matcher(line.substring(6));
        if (!msg.find()) throw new IllegalStateException("no msg: " + line);
        String held = batch[0], id = msg.group(1);
        long period = Long.parseLong(msg.group(2));
        new Thread(() -> work(held, lease, id, period)).start();
      });
    } catch (RuntimeException error) {
      System.err.println("the stream broke off: " + error);
    }
    if (!done) lost("the stream has ended before the job");
  }
}
