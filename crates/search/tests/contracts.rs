//! Every sampler against the contract.

use specialist_search::{Grid, Random, sampler_by_name};

#[test]
fn samplers_suggest_as_they_must() {
    specialist_testing::sampler_contract(&Random);
    specialist_testing::sampler_contract(&Grid { steps: 3 });
    assert!(sampler_by_name("random").is_some() && sampler_by_name("grid").is_some() && sampler_by_name("x").is_none());
}
