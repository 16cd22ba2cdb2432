// Charts as SVG inside an HTML page. Colors are the page's custom properties, so that they follow
// its light or dark scheme; lines differ in their dashes too, and every chart has a title and a
// description in words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "delivery/report/report.h"

namespace tocsin::delivery {

// An <svg> element. `marks` are drawn through lines over time.
std::string RenderSvgChart(const ReportChart& chart, const ReportPeriod& period,
                           const std::vector<ReportMark>& marks);

// Round numbers from 0, or from below the lowest, up to above the highest value: at most six.
std::vector<double> ChartTicks(double low, double high);

}  // namespace tocsin::delivery
