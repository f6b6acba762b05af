//! Who works on a trial.

/// This process, so that others on the same machine can tell whether it still lives: host, process id,
/// and the time at which the process started.
///
/// ```
/// use specialist_search::identity;
/// assert_eq!(identity().split(':').count(), 3);
/// ```
#[must_use]
pub fn identity() -> String {
    let pid = std::process::id();
    format!("{}:{pid}:{}", host(), started(pid).unwrap_or(0))
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".into(), |h| h.trim().replace(':', "_"))
}

/// When a process started, in the kernel's ticks; `None` where there is no such process, or no `/proc`.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The command's name stands in parentheses and may hold anything.
    let after = &stat[stat.rfind(')')? + 1..];
    let mut fields = after.split_whitespace();
    // A zombie holds no lock and ends no trial.
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Whether the process of `identity` is known to be dead: it was on this machine and is no more.
pub fn is_dead(identity: &str) -> bool {
    let mut parts = identity.split(':');
    let (Some(host_of), Some(pid), Some(start)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let (Ok(pid), Ok(start)) = (pid.parse::<u32>(), start.parse::<u64>()) else { return false };
    let has_proc = started(std::process::id()).is_some();
    has_proc && host_of == host() && started(pid) != Some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_a_former_one_does_not() {
        assert!(!is_dead(&identity()));
        assert!(!is_dead("elsewhere:1:1"));
        assert!(!is_dead("nonsense"));
        if std::path::Path::new("/proc/self/stat").exists() {
            assert!(is_dead(&format!("{}:{}:1", host(), std::process::id())));
        }
    }
}
