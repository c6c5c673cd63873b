//! A straight line through points.

/// Fits the line with the least squares of distances.
pub(crate) struct Line {
    pub(crate) slope: f64,
    /// How much of the points' spread the line explains: 1 for points on a line.
    pub(crate) r_squared: f64,
}

impl Line {
    pub(crate) fn through(points: impl Iterator<Item = (f64, f64)>) -> Line {
        let points = points.collect::<Vec<_>>();
        let count = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| points.iter().map(|point| of(point.0 - x, point.1 - y)).sum::<f64>();
        let (xx, xy, yy) = (sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y));
        Line { slope: xy / xx, r_squared: xy * xy / (xx * yy) }
    }
}
