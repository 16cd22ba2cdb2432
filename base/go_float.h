// Numbers as Go and Prometheus write and read them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tocsin {

// Go's strconv.FormatFloat(x, 'f', -1, 64): shortest round-trip digits, never an exponent.
std::string FormatGoF(double x);
// Go's %v and strconv 'g', -1: shortest digits, exponent form iff the decimal exponent is < -4 or
// >= 6; "+Inf", "-Inf", "NaN". The text exposition format and alert templates use this.
std::string FormatGoV(double x);
// Sample values in the HTTP API: 'f' format, exponent form iff abs < 1e-6 or >= 1e21.
std::string FormatJsonSample(double x);
// Go's 'e' with shortest digits: "1e+00". The value of an alert in /api/v1/rules.
std::string FormatGoE(double x);
// %.<precision>g of C and Go: significant digits, trailing zeros cut.
std::string FormatPrecision(double x, int precision);

// Appends FormatGoV(x) without allocating beyond `out`; for the exposition writers.
void AppendGoV(std::string& out, double x);

// Go's strconv.ParseFloat(text, 64): decimal, hex floats (0x1p-2), underscores refused, "Inf",
// "+Inf", "infinity", "NaN" in any case. Nothing when the text is not wholly a number. Overflow
// gives ±Inf.
std::optional<double> ParseGoFloat(std::string_view text);

}  // namespace tocsin
