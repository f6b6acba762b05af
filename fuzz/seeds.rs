//! Writes the inputs that fuzzing starts from, one folder a reader: `seeds FOLDER`.

use std::path::PathBuf;

use specialist_e2e::doors::{DOORS, inputs, made};

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).expect("the folder to write to"));
    for door in &DOORS {
        let to = folder.join(door.name);
        std::fs::create_dir_all(&to)?;
        for file in inputs(door, 100_000) {
            std::fs::copy(&file, to.join(file.file_name().expect("a file has a name")))?;
        }
    }
    for (door, name, bytes) in made() {
        std::fs::write(folder.join(door).join(name), bytes)?;
    }
    Ok(())
}
