//! Several objectives at once: fronts of points that no other point beats in everything.
//!
//! ```
//! use specialist_search::pareto::{dominates, fronts};
//! let losses = vec![vec![1.0, 4.0], vec![2.0, 2.0], vec![3.0, 3.0]];
//! assert!(dominates(&losses[1], &losses[2]));
//! assert_eq!(fronts(&losses), [0, 0, 1]);
//! ```

/// Whether `a` is nowhere worse than `b` and somewhere better (smaller is better).
#[must_use]
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| x <= y) && a.iter().zip(b).any(|(x, y)| x < y)
}

/// The front of each point: 0 for those that nothing dominates, 1 for those that only front 0
/// dominates, and so on (Deb et al. 2002).
#[must_use]
pub fn fronts(losses: &[Vec<f64>]) -> Vec<usize> {
    let n = losses.len();
    let mut front = vec![usize::MAX; n];
    let mut open: Vec<usize> = (0..n).collect();
    let mut rank = 0;
    while !open.is_empty() {
        let (now, later): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|&&i| !open.iter().any(|&j| dominates(&losses[j], &losses[i])));
        now.iter().for_each(|&i| front[i] = rank);
        open = later;
        rank += 1;
    }
    front
}

/// All points from best to worst: by front, and within a front the least crowded first (crowding
/// distance of Deb et al. 2002).
#[must_use]
pub fn order(losses: &[Vec<f64>]) -> Vec<usize> {
    let front = fronts(losses);
    let mut crowding = vec![0.0f64; losses.len()];
    for rank in 0..=front.iter().copied().max().unwrap_or(0) {
        let members: Vec<usize> = (0..losses.len()).filter(|&i| front[i] == rank).collect();
        let objectives = losses.first().map_or(0, Vec::len);
        (0..objectives).for_each(|j| {
            let mut along = members.clone();
            along.sort_by(|&a, &b| losses[a][j].total_cmp(&losses[b][j]));
            let (Some(&first), Some(&last)) = (along.first(), along.last()) else { return };
            let width = (losses[last][j] - losses[first][j]).max(1e-12);
            crowding[first] = f64::INFINITY;
            crowding[last] = f64::INFINITY;
            along.windows(3).for_each(|w| crowding[w[1]] += (losses[w[2]][j] - losses[w[0]][j]) / width);
        });
    }
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|&a, &b| front[a].cmp(&front[b]).then(crowding[b].total_cmp(&crowding[a])));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_and_order() {
        let losses = [[1.0, 4.0], [2.0, 2.0], [4.0, 1.0], [3.0, 3.0], [5.0, 5.0], [1.9, 2.1]].map(|v| v.to_vec());
        assert_eq!(fronts(&losses), [0, 0, 0, 1, 2, 0]);
        let order = order(&losses);
        assert_eq!(order[4..], [3, 4]);
        assert!([0, 2].contains(&order[0]) && [0, 2].contains(&order[1]));
        assert!(!dominates(&[1.0, 1.0], &[1.0, 1.0]));
    }
}
