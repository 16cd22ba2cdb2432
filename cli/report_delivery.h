// Sends a report: mail, Slack, webhook.
#pragma once

#include "base/result.h"
#include "cli/command.h"
#include "delivery/report/report.h"

namespace tocsin::cli {

constexpr FlagSpec kMailToFlag = {
    .name = "--mail-to", .value = "ADDRESS", .help = "Send it there by SMTP.", .repeated = true};
constexpr FlagSpec kMailFromFlag = {.name = "--mail-from",
                                    .value = "ADDRESS",
                                    .fallback = "tocsin@localhost.localdomain",
                                    .help = "The sender."};
constexpr FlagSpec kSmtpFlag = {
    .name = "--smtp",
    .value = "URL",
    .fallback = "smtp://127.0.0.1:25",
    .help = "The mail server: smtp://HOST:587 (STARTTLS is a condition), smtps://HOST:465."};
constexpr FlagSpec kSmtpUserFlag = {
    .name = "--smtp-user", .value = "NAME", .help = "Whom to log in as."};
constexpr FlagSpec kSmtpPasswordFileFlag = {
    .name = "--smtp-password-file", .value = "FILE", .help = "The password, in a file of its own."};
constexpr FlagSpec kSmtpCaFileFlag = {
    .name = "--smtp-ca-file", .value = "FILE", .help = "Who vouches for the server's certificate."};
constexpr FlagSpec kSmtpPlainFlag = {
    .name = "--smtp-plain", .help = "Without STARTTLS: only for a server on this machine."};
constexpr FlagSpec kSlackFlag = {.name = "--slack-url-file",
                                 .value = "FILE",
                                 .help = "Send the summary to the incoming webhook in this file."};
constexpr FlagSpec kWebhookFlag = {
    .name = "--webhook", .value = "URL", .help = "Post the report as JSON.", .repeated = true};
constexpr FlagSpec kWebhookFileFlag = {.name = "--webhook-url-file",
                                       .value = "FILE",
                                       .help = "The same, with a secret URL in a file."};

// Sends it wherever the flags say and tells standard error each success. All are tried; the first
// error is returned.
Status DeliverReport(const delivery::Report& report, const Arguments& arguments,
                     CommandContext& context);

}  // namespace tocsin::cli
