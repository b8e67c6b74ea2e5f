//! The two sheets of numbers a run fills, and TensorBoard's copy of the first.

use crate::Metrics;
use crate::MetricsError;
use crate::MetricsLine;
use crate::Offset;
use crate::Offsets;
use crate::RunPaths;
use crate::tensorboard::TensorBoard;

/// The writing end of `metrics.jsonl`, `timings.jsonl` and `tensorboard/`.
#[derive(Debug)]
pub struct Sheets {
    metrics: Metrics,
    timings: Metrics,
    tensorboard: TensorBoard,
}

impl Sheets {
    /// Cuts both files back to what was committed and makes TensorBoard's copy anew. Also returns how many bytes were cut off metrics
    /// and timings.
    pub(crate) fn open_at(paths: &RunPaths, offsets: Offsets) -> Result<(Sheets, (u64, u64)), MetricsError> {
        let (metrics, metrics_cut) = Metrics::open_at(&paths.metrics(), offsets.metrics)?;
        let (timings, timings_cut) = Metrics::open_at(&paths.timings(), offsets.timings)?;
        let tensorboard = TensorBoard::rebuild(&paths.tensorboard(), &paths.metrics())?;
        Ok((Sheets { metrics, timings, tensorboard }, (metrics_cut, timings_cut)))
    }

    /// Appends a line to `metrics.jsonl`, and its numbers to TensorBoard's copy.
    ///
    /// # Errors
    /// [`MetricsError`], naming the file.
    pub fn append_metrics(&mut self, line: &MetricsLine) -> Result<(), MetricsError> {
        self.metrics.append(line)?;
        Ok(self.tensorboard.append(line)?)
    }

    /// Appends a line to `timings.jsonl`.
    ///
    /// # Errors
    /// [`MetricsError`], naming the file.
    pub fn append_timings(&mut self, line: &MetricsLine) -> Result<(), MetricsError> {
        self.timings.append(line)
    }

    /// Waits until both files are on the disk, and says where they end: metrics, then timings.
    ///
    /// # Errors
    /// [`MetricsError`], naming the file.
    pub fn sync(&mut self) -> Result<(Offset, Offset), MetricsError> {
        Ok((self.metrics.sync()?, self.timings.sync()?))
    }
}
