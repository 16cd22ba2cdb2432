#include "cli/report_delivery.h"

#include <fmt/format.h>

#include "delivery/report/report_mail.h"

namespace tocsin::cli {
namespace {

// What stands in a file that holds one secret, without the line's end.
Result<std::string> ReadSecret(const std::string& path, const FileSystem& files) {
  ASSIGN_OR_RETURN(std::string text, files.Read(path));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty()) return InvalidArgument(path + ": it is empty");
  return text;
}

Status SendByMail(const delivery::Report& report, const Arguments& arguments,
                  CommandContext& context) {
  MailDelivery mail{.url = arguments.Text("--smtp"),
                    .starttls = !arguments.Switch("--smtp-plain"),
                    .user = arguments.Text("--smtp-user"),
                    .from = arguments.Text("--mail-from"),
                    .to = arguments.All("--mail-to")};
  mail.tls.ca_file = arguments.Text("--smtp-ca-file");
  if (arguments.Given("--smtp-password-file")) {
    ASSIGN_OR_RETURN(mail.password,
                     ReadSecret(arguments.Text("--smtp-password-file"), context.files));
  }
  mail.message =
      RenderReportMail(report, {.from = mail.from, .to = mail.to, .date = context.clock.Now()});
  return context.send_mail(mail);
}

// The answer of a webhook may repeat what was sent; of the URL, only the host is told.
Status Post(const std::string& url, std::string body, HttpClient& http) {
  HttpRequest request;
  request.method = "POST";
  request.url = url;
  request.headers = {{"Content-Type", "application/json"}};
  request.body = std::move(body);
  const size_t scheme = url.find("://");
  const size_t path = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
  const std::string host = UrlWithoutSecrets(url.substr(0, path));
  const Result<HttpResponse> answer = http.Fetch(request);
  if (!answer.ok()) return Error{answer.error().code, host + ": the webhook cannot be reached"};
  if (answer->status / 100 == 2) return Ok();
  return Unavailable(fmt::format("{}: the webhook answers with status {}", host, answer->status));
}

Status PostToFile(std::string_view flag, const std::string& body, const Arguments& arguments,
                  CommandContext& context) {
  ASSIGN_OR_RETURN(const std::string url, ReadSecret(arguments.Text(flag), context.files));
  return Post(url, body, context.http);
}

}  // namespace

Status DeliverReport(const delivery::Report& report, const Arguments& arguments,
                     CommandContext& context) {
  Status first;
  const auto note = [&](std::string_view what, const Status& sent) {
    if (sent.ok()) {
      context.err(fmt::format("sent: {}\n", what));
    } else if (first.ok()) {
      first = Prefixed(fmt::format("{}: ", what), sent.error());
    }
  };
  if (arguments.Given("--mail-to")) note("mail", SendByMail(report, arguments, context));
  if (arguments.Given("--slack-url-file")) {
    note("slack", PostToFile("--slack-url-file", RenderReportSlack(report), arguments, context));
  }
  for (const std::string& url : arguments.All("--webhook")) {
    note("webhook", Post(url, RenderReportJson(report), context.http));
  }
  if (arguments.Given("--webhook-url-file")) {
    note("webhook", PostToFile("--webhook-url-file", RenderReportJson(report), arguments, context));
  }
  return first;
}

}  // namespace tocsin::cli
