//! Rows that are followed from later than 0 on: patients who came to a register late, and start–stop tables, where a
//! patient has a row for every stretch of time with its own values.
//!
//! What is asked of such a row is what comes after its `entry`, which is when its values were known. So the clock of a row
//! starts there, and the entry itself is a feature: a landmark analysis (van Houwelingen 2007). Why not risk sets with
//! delayed entry on the old clock? They give the same hazard where the model is right, but a prediction from time 0 for a
//! row that is known to have lived until its entry is of no use, and every metric would need the rows at risk at each time.

/// Times and ends of rows, counted from their entries.
#[derive(Debug, PartialEq)]
pub(super) struct Followed {
    pub time: Vec<f64>,
    pub cause: Vec<f64>,
    /// Rows whose follow-up goes on in another row.
    pub joined: usize,
    /// Groups whose rows overlap in time.
    pub overlapping: usize,
    /// Rows that begin after an event of their group.
    pub afterwards: usize,
}

/// Counts from `entry`. Rows of one group that follow each other without a gap are one follow-up in stretches: a row of it
/// ends where the first stretch with an event does, or the last one. `cause` is above 0 for an event.
pub(super) fn from_entry(entry: &[f64], exit: &[f64], cause: &[f64], group: Option<&[f64]>) -> Followed {
    let mut time: Vec<f64> = exit.iter().zip(entry).map(|(x, e)| x - e).collect();
    let mut ends = cause.to_vec();
    let (mut joined, mut overlapping, mut afterwards) = (0, 0, 0);
    let Some(group) = group else { return Followed { time, cause: ends, joined, overlapping, afterwards } };
    let mut order: Vec<usize> = (0..entry.len()).collect();
    order.sort_by(|&a, &b| group[a].total_cmp(&group[b]).then(entry[a].total_cmp(&entry[b])));
    for rows in order.chunk_by(|&a, &b| group[a] == group[b]) {
        // Stretches of one patient do not overlap; where they do, the group is something else, such as a hospital.
        if rows.windows(2).any(|w| entry[w[1]] < exit[w[0]]) {
            overlapping += 1;
            continue;
        }
        afterwards += rows.iter().skip_while(|&&r| cause[r] == 0.0).skip(1).count();
        for i in (0..rows.len().saturating_sub(1)).rev() {
            let (row, next) = (rows[i], rows[i + 1]);
            // Whole days may be written as 0–9, 10–19.
            let gap = entry[next] - exit[row];
            let goes_on = gap == 0.0 || (gap == 1.0 && entry[next].fract() == 0.0);
            if goes_on && cause[row] == 0.0 {
                time[row] = entry[next] + time[next] - entry[row];
                ends[row] = ends[next];
                joined += 1;
            }
        }
    }
    Followed { time, cause: ends, joined, overlapping, afterwards }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_one_patient_are_one_follow_up() {
        // Patient 0: 0–10, 10–25, 25–30 with the event; 1: 5–9, then nobody knows until 20–22; 2: two events.
        let group = [0.0, 1.0, 0.0, 0.0, 1.0, 2.0, 2.0];
        let entry = [0.0, 5.0, 10.0, 25.0, 20.0, 0.0, 4.0];
        let exit = [10.0, 9.0, 25.0, 30.0, 22.0, 4.0, 6.0];
        let cause = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0];
        let found = from_entry(&entry, &exit, &cause, Some(&group));
        assert_eq!(found.time, [30.0, 4.0, 20.0, 5.0, 2.0, 4.0, 2.0]);
        assert_eq!(found.cause, [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0]);
        assert_eq!((found.joined, found.overlapping, found.afterwards), (2, 0, 1));
    }

    #[test]
    fn a_group_of_several_patients_is_not_joined() {
        let found = from_entry(&[0.0, 5.0], &[8.0, 9.0], &[0.0, 1.0], Some(&[3.0, 3.0]));
        assert_eq!((found.time, found.joined, found.overlapping), (vec![8.0, 4.0], 0, 1));
        let alone = from_entry(&[0.0, 5.0], &[5.0, 9.0], &[0.0, 1.0], None);
        assert_eq!((alone.time, alone.cause), (vec![5.0, 4.0], vec![0.0, 1.0]));
    }
}
