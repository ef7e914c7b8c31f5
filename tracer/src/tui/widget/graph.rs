//! Counts over time, in a line of text.

/// Bars of one letter each, the highest as high as there is; blank where there was nothing. `levels` are the letters, lowest
/// first.
pub fn bars(counts: &[u32], letters: usize, levels: &[&str]) -> String {
    let sum = |letter: usize| -> u32 {
        let (start, end) = (letter * counts.len() / letters, (letter + 1) * counts.len() / letters);
        counts.get(start..end.max(start + 1)).unwrap_or_default().iter().sum()
    };
    let sums: Vec<u32> = (0..letters).map(sum).collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1) as usize;
    let bar = |count: &u32| match *count as usize {
        0 => " ",
        count => levels.get((count * levels.len()).div_ceil(most) - 1).copied().unwrap_or_default(),
    };
    sums.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bar_is_full() {
        let check = |counts: &[u32], letters, expected: &str| {
            assert_eq!(bars(counts, letters, &["_", "-", "#"]), expected, "{counts:?}");
        };
        check(&[0, 1, 4, 5, 6], 5, " _-##");
        check(&[1, 1, 0, 0, 4, 4], 3, "_ #");
        check(&[7], 3, "###");
        check(&[], 3, "   ");
        check(&[u32::MAX], 1, "#");
    }
}
