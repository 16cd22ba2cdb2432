// Joins the pages of all targets into one.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/storage/appender.h"
#include "exporters/exposition_source.h"
#include "exporters/series_writer.h"

namespace tocsin {

// Hands the joined page to `write` in pieces. Families are sorted by name. The labels of each
// series are asked of `sink`, so that no text has to be kept between two pages; a series that is
// gone there is left out. Where targets disagree on a family's type it is untyped, and where
// relabelling took a series out of its family it gets one of its own. OpenMetrics reserves names
// beside a family's own: families that would meet there are declared unknown, or left out.
void RenderPages(const std::vector<std::shared_ptr<const CollectedPage>>& pages,
                 const SampleSink& sink, const ExpositionRequest& request,
                 const std::function<void(std::string_view)>& write);

}  // namespace tocsin
