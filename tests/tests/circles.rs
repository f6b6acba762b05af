//! No file of a crate uses a file that uses it, directly or over others: what a file rests on can be read without reading what
//! rests on it. The sources are read as text, so that a name is followed to the file that defines it, through whatever
//! re-exports it; calls of methods are not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use specialist_e2e::root;

/// The crates that hold no circle, by their folders.
const CRATES: [&str; 3] = ["core", "search", "engine"];

/// Names from the root of a crate down; none for the root itself.
type Module = Vec<String>;

/// File → the files that it uses → what it uses of each.
type Uses = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// What one file says.
#[derive(Default)]
struct File {
    /// From the folder of the sources.
    path: String,
    module: Module,
    /// The modules that stand within the file.
    inline: BTreeSet<Module>,
    imports: Vec<Import>,
    /// Paths of two names and more, with the module where they stand.
    paths: Vec<(Module, Vec<String>)>,
    /// What paths begin with, those of one name too.
    names: BTreeSet<String>,
    /// Macros that it defines, and those that it calls.
    macros: BTreeSet<String>,
    called: BTreeSet<String>,
}

/// One name of a `use`.
struct Import {
    /// Where it stands.
    module: Module,
    path: Vec<String>,
    /// What it is called there; `*` for all that the path holds.
    name: String,
    /// Whether it is handed on.
    public: bool,
}

/// What a path leads to.
enum Place {
    Module(Module),
    /// An item of this module.
    Item(Module),
}

/// The files of one crate by their modules.
struct Sources(BTreeMap<Module, File>);

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// How long the literal or comment is that `rest` begins with; 0 where it begins with neither.
fn skipped(rest: &[char]) -> usize {
    let until = |from: usize, end: &[char]| {
        let place = (from..rest.len()).find(|&i| rest[i..].starts_with(end));
        place.map_or(rest.len(), |i| i + end.len())
    };
    match rest {
        ['/', '/', ..] => until(2, &['\n']),
        ['/', '*', ..] => until(2, &['*', '/']),
        ['"', ..] => {
            let mut i = 1;
            while i < rest.len() && rest[i] != '"' {
                i += if rest[i] == '\\' { 2 } else { 1 };
            }
            i + 1
        }
        ['r', '"' | '#', ..] => {
            let marks = rest[1..].iter().take_while(|c| **c == '#').count();
            // Else it is a name that is a keyword elsewhere.
            if rest.get(1 + marks) != Some(&'"') {
                return 0;
            }
            until(2 + marks, &[&['"'][..], &vec!['#'; marks]].concat())
        }
        ['\'', '\\', _, ..] => until(3, &['\'']),
        ['\'', _, '\'', ..] => 3,
        // A lifetime.
        ['\'', ..] => 1 + rest[1..].iter().take_while(|c| is_word(**c)).count(),
        _ => 0,
    }
}

/// Words and marks of a source, without its comments, its literals and the tests at its end.
fn words(text: &str) -> Vec<String> {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let text: Vec<char> = text[..end].chars().collect();
    let mut out = Vec::new();
    let mut i = 0;
    while i < text.len() {
        let rest = &text[i..];
        let nothing = skipped(rest);
        if nothing > 0 {
            i += nothing;
            continue;
        }
        let length = match rest {
            [':', ':', ..] | ['.', '.', ..] => 2,
            _ => rest.iter().take_while(|c| is_word(**c)).count().max(1),
        };
        if !rest[0].is_whitespace() {
            out.push(rest[..length].iter().collect());
        }
        i += length;
    }
    out
}

/// Reads the tree of a `use` from `words[i]` on, every path with the name that it gets, and says where the tree ends.
fn tree(words: &[String], mut i: usize, before: &[String], out: &mut Vec<(Vec<String>, String)>) -> usize {
    let at = |i: usize| words.get(i).map_or(";", String::as_str);
    let mut path = before.to_vec();
    loop {
        match at(i) {
            "{" => {
                i += 1;
                while at(i) != "}" && at(i) != ";" {
                    i = tree(words, i, &path, out);
                    if at(i) == "," {
                        i += 1;
                    }
                }
                return i + 1;
            }
            "*" => {
                out.push((path, "*".into()));
                return i + 1;
            }
            "as" => {
                out.push((path, at(i + 1).into()));
                return i + 2;
            }
            "," | "}" | ";" => {
                let name = path.last().cloned().unwrap_or_default();
                out.push((path, name));
                return i;
            }
            "::" => {}
            // Of a list: what stands before it.
            "self" if !path.is_empty() => {}
            word => path.push(word.into()),
        }
        i += 1;
    }
}

fn within(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_string()]).collect()
}

impl File {
    fn read(path: &str, text: &str) -> Self {
        let mut module: Module = path.trim_end_matches(".rs").split('/').map(String::from).collect();
        if module.last().is_some_and(|name| name == "mod" || name == "lib") {
            module.pop();
        }
        let mut out = Self { path: path.into(), module: module.clone(), ..Self::default() };
        let words = words(text);
        let at = |i: usize| words.get(i).map_or("", String::as_str);
        // The module where we are, and the depths of braces at which modules within the file began.
        let (mut here, mut began, mut depth) = (module, Vec::new(), 0usize);
        let mut i = 0;
        while i < words.len() {
            let before = i.checked_sub(1).map_or("", at);
            match at(i) {
                "{" => depth += 1,
                "}" => {
                    depth = depth.saturating_sub(1);
                    if began.last() == Some(&depth) {
                        began.pop();
                        here.pop();
                    }
                }
                "mod" if at(i + 2) == "{" => {
                    began.push(depth);
                    here.push(at(i + 1).into());
                    out.inline.insert(here.clone());
                    i += 1;
                }
                "mod" if at(i + 2) == ";" => i += 1,
                "macro_rules" if at(i + 1) == "!" => {
                    out.macros.insert(at(i + 2).into());
                    i += 2;
                }
                "use" if at(i + 1) != "<" => {
                    let mut found = Vec::new();
                    i = tree(&words, i + 1, &[], &mut found);
                    let public = before == "pub" || before == ")";
                    let import = |(path, name)| Import { module: here.clone(), path, name, public };
                    out.imports.extend(found.into_iter().map(import));
                }
                word if is_name(word) => {
                    let mut path = vec![word.to_string()];
                    while at(i + 1) == "::" && is_name(at(i + 2)) {
                        path.push(at(i + 2).into());
                        i += 2;
                    }
                    if at(i + 1) == "!" && at(i + 2) != "=" {
                        out.called.extend(path.last().cloned());
                    }
                    // A method or a field, or what belongs to a type with parameters.
                    if before != "." && before != "::" {
                        out.names.insert(path[0].clone());
                        if path.len() > 1 {
                            out.paths.push((here.clone(), path));
                        }
                    }
                }
                _ => {}
            }
            i += 1;
        }
        out
    }
}

impl Sources {
    fn of(folder: &Path) -> Self {
        let mut out = BTreeMap::new();
        let mut open = vec![folder.to_path_buf()];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(std::fs::read_dir(path).unwrap().flatten().map(|e| e.path()));
            } else if path.extension().is_some_and(|e| e == "rs") {
                let parts = path.strip_prefix(folder).unwrap().iter().map(|p| p.to_str().unwrap());
                let file = File::read(&parts.collect::<Vec<_>>().join("/"), &std::fs::read_to_string(&path).unwrap());
                out.insert(file.module.clone(), file);
            }
        }
        Self(out)
    }

    fn is_module(&self, module: &[String]) -> bool {
        self.0.contains_key(module) || self.0.values().any(|f| f.inline.contains(module))
    }

    /// The file that holds a module.
    fn file(&self, module: &[String]) -> &File {
        let found = (0..=module.len()).rev().find_map(|n| self.0.get(&module[..n]));
        found.expect("every crate has a root")
    }

    /// What `path` leads to from `module`; nothing where another crate defines it. `seen` are the names that are being looked
    /// for already.
    fn resolve(&self, module: &[String], path: &[String], seen: &mut BTreeSet<(Module, String)>) -> Option<Place> {
        let first = path.first()?;
        if first == "crate" {
            return Some(self.walk(Vec::new(), &path[1..], seen));
        }
        if first == "self" || first == "super" || self.is_module(&within(module, first)) {
            return Some(self.walk(module.to_vec(), path, seen));
        }
        self.imported(module, path, seen)
    }

    /// As [`Sources::resolve`], where an import of `module` brings the first name of `path`.
    fn imported(&self, module: &[String], path: &[String], seen: &mut BTreeSet<(Module, String)>) -> Option<Place> {
        let (first, rest) = path.split_first()?;
        if !seen.insert((module.to_vec(), first.clone())) {
            return None;
        }
        let imports = self.file(module).imports.iter().filter(|i| i.module == module && i.name == *first);
        for import in imports {
            match self.resolve(module, &import.path, seen) {
                Some(Place::Module(inner)) => return Some(self.walk(inner, rest, seen)),
                Some(item) => return Some(item),
                None => {}
            }
        }
        None
    }

    /// As [`Sources::resolve`], where `path` begins in `module` itself.
    fn walk(&self, mut module: Module, path: &[String], seen: &mut BTreeSet<(Module, String)>) -> Place {
        for (k, name) in path.iter().enumerate() {
            let inner = within(&module, name);
            if name == "super" {
                module.pop();
            } else if self.is_module(&inner) {
                module = inner;
            } else if name != "self" {
                return self.imported(&module, &path[k..], seen).unwrap_or(Place::Item(module));
            }
        }
        Place::Module(module)
    }

    fn uses(&self) -> Uses {
        let mut out = Uses::new();
        for file in self.0.values() {
            let mut add = |to: &File, name: &str| {
                if to.path != file.path {
                    let used = out.entry(file.path.clone()).or_default().entry(to.path.clone()).or_default();
                    used.insert(name.to_string());
                }
            };
            // What is handed on and never named beside that is not used.
            let imports = file.imports.iter().filter(|i| !i.public || file.names.contains(&i.name));
            let imports = imports.map(|i| (&i.module, &i.path));
            for (module, path) in imports.chain(file.paths.iter().map(|p| (&p.0, &p.1))) {
                if let Some(Place::Module(to) | Place::Item(to)) = self.resolve(module, path, &mut BTreeSet::new()) {
                    add(self.file(&to), &path.join("::"));
                }
            }
            // A macro is known below where it is defined, without an import.
            for name in file.called.difference(&file.macros) {
                let above = (0..file.module.len()).filter_map(|n| self.0.get(&file.module[..n]));
                above.filter(|f| f.macros.contains(name)).for_each(|f| add(f, &format!("{name}!")));
            }
        }
        out
    }
}

/// All that a file uses, directly or over others.
fn reached<'a>(uses: &'a Uses, from: &str) -> BTreeSet<&'a str> {
    let of = |file: &str| uses.get(file).into_iter().flat_map(|used| used.keys().map(String::as_str));
    let mut out = BTreeSet::new();
    let mut open: Vec<&str> = of(from).collect();
    while let Some(file) = open.pop() {
        if out.insert(file) {
            open.extend(of(file));
        }
    }
    out
}

/// The largest sets of files of which each uses each other, directly or over others.
fn circles(uses: &Uses) -> Vec<BTreeSet<&str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses.keys().map(|f| (f.as_str(), reached(uses, f))).collect();
    let both = |a: &str, b: &str| reached.get(b).is_some_and(|back| back.contains(a));
    let mut out: Vec<BTreeSet<&str>> = reached
        .iter()
        .filter(|(file, used)| used.contains(*file))
        .map(|(file, used)| used.iter().copied().filter(|other| both(file, other)).collect())
        .collect();
    out.sort();
    out.dedup();
    out
}

/// The circle and what its files use of each other, in lines.
fn told(uses: &Uses, circle: &BTreeSet<&str>) -> String {
    let mut out = circle.iter().copied().collect::<Vec<_>>().join(", ");
    for from in circle {
        for (to, names) in uses[*from].iter().filter(|(to, _)| circle.contains(to.as_str())) {
            let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
            out.push_str(&format!("\n    {from} uses {to}: {names}"));
        }
    }
    out
}

#[test]
fn no_file_uses_a_file_that_uses_it() {
    let mut found = Vec::new();
    for name in CRATES {
        let sources = Sources::of(&root().join("crates").join(name).join("src"));
        let uses = sources.uses();
        assert!(
            sources.0.len() > 20 && uses.len() > 10,
            "{name}: {} files, {} use others",
            sources.0.len(),
            uses.len()
        );
        found.extend(circles(&uses).iter().map(|circle| format!("crates/{name}/src: {}", told(&uses, circle))));
    }
    assert!(found.is_empty(), "files that use each other, directly or over others:\n{}", found.join("\n"));
}

/// Two files that use each other through the root, a folder whose parent uses its child, and files that do not, whatever
/// their comments, texts and tests say.
#[test]
fn a_circle_is_found_behind_re_exports_and_nowhere_else() {
    let files = [
        (
            "lib.rs",
            "mod above;\nmod below;\nmod left;\nmod right;\nmod tree;\n\
             pub use {above::Above, below::Below};\npub use left::Left;\npub use right::{Right, Side as Hand};\n",
        ),
        ("left.rs", "use crate::{Below, Hand};\npub struct Left(Hand, Below);\n"),
        ("right.rs", "pub struct Right;\npub enum Side { One(super::Left) }\n"),
        ("above.rs", "use crate::below::{self, Below};\nfn f<'a>(x: &'a Below) -> char { below::g(x, '\"'); 'a' }\n"),
        (
            "below.rs",
            "/// As [`crate::Above`].\npub struct Below;\nfn h() -> &'static str { \"crate::Above::new\" }\n\
             #[cfg(test)]\nmod tests {\n    use crate::Above;\n}\n",
        ),
        ("tree/mod.rs", "mod leaf;\nmod twig;\npub use twig::Twig;\nfn f() { leaf::g(); }\npub struct Tree;\n"),
        ("tree/leaf.rs", "use super::Tree;\npub fn g() { drop(Tree); }\n"),
        ("tree/twig.rs", "pub struct Twig(pub super::Tree);\n"),
    ];
    let files = files.map(|(path, text)| File::read(path, text));
    let sources = Sources(files.into_iter().map(|file| (file.module.clone(), file)).collect());
    let uses = sources.uses();
    let circles = circles(&uses);
    let expected = [["left.rs", "right.rs"], ["tree/leaf.rs", "tree/mod.rs"]].map(BTreeSet::from);
    assert_eq!(circles, expected, "{uses:?}");
    let said = told(&uses, &circles[0]);
    assert_eq!(
        said,
        "left.rs, right.rs\n    left.rs uses right.rs: crate::Hand\n    right.rs uses left.rs: super::Left"
    );
    let of = |file: &str| uses.get(file).map_or(0, BTreeMap::len);
    assert_eq!(["above.rs", "below.rs", "left.rs", "lib.rs", "tree/twig.rs"].map(of), [1, 0, 2, 0, 1]);
}
