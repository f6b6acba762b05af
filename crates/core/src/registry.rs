//! What a recipe can name: parts that are built in, and those that a program adds.

use std::sync::{PoisonError, RwLock};

/// Parts of one kind (estimators, rungs, metrics), by name. What a recipe may say, what `--help` and the schema list and what
/// "did you mean" knows all come from here, so that a part is added in one place.
///
/// One for the whole process and not one a run: models are read back from files by the name of what made them, and a file
/// does not know the run.
///
/// ```
/// use specialist_core::Registry;
/// trait Greeting: Sync {
///     fn name(&self) -> &'static str;
/// }
/// struct Hello;
/// impl Greeting for Hello {
///     fn name(&self) -> &'static str {
///         "hello"
///     }
/// }
/// struct Ahoy;
/// impl Greeting for Ahoy {
///     fn name(&self) -> &'static str {
///         "ahoy"
///     }
/// }
/// static GREETINGS: Registry<dyn Greeting> = Registry::new(&[&Hello], |g| g.name());
/// GREETINGS.add(&Ahoy);
/// assert_eq!(GREETINGS.names(), ["hello", "ahoy"]);
/// assert!(GREETINGS.named("hi").is_none());
/// ```
pub struct Registry<T: ?Sized + 'static> {
    built_in: &'static [&'static T],
    added: RwLock<Vec<&'static T>>,
    name: fn(&T) -> &str,
}

impl<T: ?Sized + Sync> Registry<T> {
    /// With the parts `built_in`, each called by `name`.
    #[must_use]
    pub const fn new(built_in: &'static [&'static T], name: fn(&T) -> &str) -> Self {
        Self { built_in, added: RwLock::new(Vec::new()), name }
    }

    /// All parts: those built in, in their order, then the others as they were added.
    #[must_use]
    pub fn all(&self) -> Vec<&'static T> {
        let added = self.added.read().unwrap_or_else(PoisonError::into_inner);
        self.built_in.iter().chain(added.iter()).copied().collect()
    }

    /// Their names, in the same order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.all().into_iter().map(|part| (self.name)(part)).collect()
    }

    /// The part called `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&'static T> {
        self.all().into_iter().find(|part| (self.name)(part) == name)
    }

    /// Adds a part; one that was added before stays the one.
    ///
    /// # Panics
    /// When a part that is built in has this name: which of the two a recipe means could not be told.
    pub fn add(&self, part: &'static T) {
        let name = (self.name)(part);
        assert!(self.built_in.iter().all(|b| (self.name)(b) != name), "there is a built-in part called `{name}`");
        let mut added = self.added.write().unwrap_or_else(PoisonError::into_inner);
        if added.iter().all(|a| (self.name)(a) != name) {
            added.push(part);
        }
    }
}
