// The report as a mail: text, simple HTML, and the full page attached.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "delivery/report/report.h"

namespace tocsin::delivery {

struct MailEnvelope {
  std::string from;
  std::vector<std::string> to;
  Timestamp date{};
};

// RFC 5322 with MIME: multipart/mixed of an alternative (plain, HTML) and the attachment
// report.html. The same bytes for the same report and date.
std::string RenderReportMail(const Report& report, const MailEnvelope& envelope);

// RFC 4648, in lines of 76 characters that end in \r\n.
std::string Base64Lines(std::string_view bytes);

}  // namespace tocsin::delivery
