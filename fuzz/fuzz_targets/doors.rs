//! Drives one reader, named by the environment variable `DOOR`, with the bytes that libFuzzer makes.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use specialist_e2e::doors::{DOORS, Door};

fn door() -> &'static Door {
    static CHOSEN: OnceLock<&'static Door> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("DOOR").unwrap_or_default();
        let names: Vec<&str> = DOORS.iter().map(|d| d.name).collect();
        DOORS.iter().find(|d| d.name == name).unwrap_or_else(|| panic!("DOOR names one of {}", names.join(", ")))
    })
}

fuzz_target!(
    init: {
        // libFuzzer ends at any panic. A decoder that is not ours may panic: that is caught, and told as a fault of the file.
        let abort = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !specialist_core::foreign::at_work() {
                abort(panic);
            }
        }));
        door();
    },
    |bytes: &[u8]| (door().enter)(bytes)
);
