// SPDX-License-Identifier: MIT
// A date, for programs written before 2021 that include it.
#pragma once

struct rtcdate {
  uint second;
  uint minute;
  uint hour;
  uint day;
  uint month;
  uint year;
};
