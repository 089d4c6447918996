//! One program for all of crewkit's tools.
