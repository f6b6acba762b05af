//! What a check may find, by the name that a waiver spells. Apart from the checks themselves, because the recipe is read before
//! there is anything to check, and the checks read the recipe.

use specialist_core::Registry;

/// What a check may find.
#[derive(Debug)]
pub struct Finds {
    /// Its name, as `check.waive` spells it.
    pub name: &'static str,
    /// What it means, in a line.
    pub about: &'static str,
}

const fn finds(name: &'static str, about: &'static str) -> Finds {
    Finds { name, about }
}

/// Everything that a check may find, in the order of the checks.
pub static FINDINGS: Registry<Finds> = Registry::new(
    &[
        &finds("impossible-values", "cells outside their declared range or levels"),
        &finds("duplicate-rows", "rows that are trained on equal sealed rows"),
        &finds("near-duplicate-rows", "rows that are trained on nearly equal sealed rows"),
        &finds("copies", "texts that are trained on are nearly sealed ones; they are left out"),
        &finds("group-overlap", "a group has rows on both sides of the split"),
        &finds("time-order", "train rows are later than sealed rows"),
        &finds("label-leak", "a single column gives the label away"),
        &finds("id-like-feature", "a feature looks like the name of a row"),
        &finds("constant-column", "a feature does not vary"),
        &finds("undeclared-column", "a column of the file is not declared"),
        &finds("unseen-levels", "a level of the target's is not in the source"),
        &finds("spellings", "a level is written in several ways"),
        &finds("unlabelled-rows", "rows carry no label and are left out"),
        &finds("time-units", "times that are followed look as if in another unit"),
        &finds("late-entry", "rows were followed from later than their start"),
        &finds("immortal-time", "a feature says that its row lived until it was known"),
        &finds("unlike-ranges", "a number of the target's lies in another range than the source's"),
        &finds("identifiers", "a column names persons"),
        &finds("sample-size", "fewer events than a model of so many columns needs"),
    ],
    |f| f.name,
);
