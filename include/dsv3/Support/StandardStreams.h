//===- StandardStreams.h - stdin, stdout and stderr that are closed -*- C++ -*-===//
#pragma once

namespace dsv3 {

/// Called first in a main(): holds the places of standard streams that are closed, so that no
/// file that is opened later becomes one of them and gets what is said to the user. What is
/// read or written there fails, as before.
void holdStandardStreams();

} // namespace dsv3
