//! The middle of several measurements, which one that was disturbed does not move, and percentiles.

/// The middle of values in any order; of an even number, the lower of the two.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// By nearest rank, of values in any order; of no values, not a number.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_in_any_order() {
        assert!((median(&[9.0, 1.0, 5.0]) - 5.0).abs() < f64::EPSILON);
        assert!((median(&[9.0, 1.0, 5.0, 6.0]) - 5.0).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        assert!((percentile(&[40.0, 2.0, 3.0, 1.0], 99) - 40.0).abs() < f64::EPSILON);
        assert!((percentile(&[7.0], 1) - 7.0).abs() < f64::EPSILON);
    }
}
