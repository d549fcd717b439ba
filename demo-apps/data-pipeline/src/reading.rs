//! What flows: a reading as a sensor sends it, and the row that it becomes.

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    pub(crate) sensor: u16,
    /// Counts the readings of this sensor from zero, without gaps.
    pub(crate) sequence: u64,
    pub(crate) celsius: f64,
}

/// A reading with what the consumer found out about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) reading: Reading,
    /// Exponentially weighted mean of this sensor up to and including this reading.
    pub(crate) smoothed: f64,
    /// The reading is far from the mean.
    pub(crate) outlier: bool,
}
