"""Opens, continues or makes an Optuna study with Optuna itself, to check that a store of ours and one of
Optuna's read alike: pip install optuna, then
  python optuna_interop.py open STORAGE [STUDY]    one line of JSON: name, directions, trials by state, best value
  python optuna_interop.py add  STORAGE STUDY N    adds N trials that are never best; their numbers as JSON
  python optuna_interop.py make STORAGE STUDY      a new study: 2 COMPLETE, 1 PRUNED, 1 FAIL, 1 RUNNING
STORAGE is an SQLAlchemy URL or journal:PATH."""
import json
import sys
from collections import Counter

import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState


def storage_at(text):
    if text.startswith("journal:"):
        return optuna.storages.JournalStorage(JournalFileBackend(text.removeprefix("journal:")))
    return optuna.storages.RDBStorage(text)


def open_study(storage, name=None):
    study = optuna.load_study(study_name=name, storage=storage)
    line = {
        "name": study.study_name,
        "directions": [d.name.lower() for d in study.directions],
        "trials": dict(Counter(t.state.name for t in study.trials)),
    }
    if len(study.directions) == 1:
        line["best"] = study.best_value if "COMPLETE" in line["trials"] else None
    print(json.dumps(line))


def add_trials(storage, name, count):
    study = optuna.load_study(study_name=name, storage=storage)
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not complete:
        sys.exit(f"{name}: no COMPLETE trial whose parameters could be suggested again")
    worst = [-1.0e9 if d == StudyDirection.MAXIMIZE else 1.0e9 for d in study.directions]
    numbers = []
    for _ in range(int(count)):
        trial = study.ask(complete[0].distributions)
        study.tell(trial, worst)
        numbers.append(trial.number)
    print(json.dumps(numbers))


def make_study(storage, name):
    study = optuna.create_study(study_name=name, storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    study.set_user_attr("made_by", "optuna " + optuna.__version__)

    def ask():
        trial = study.ask()
        rate = trial.suggest_float("rate", 1e-4, 0.1, log=True)
        x = trial.suggest_float("x", -5.0, 5.0)
        depth = trial.suggest_int("depth", 1, 9)
        width = trial.suggest_int("width", 0, 64, step=16)
        part = trial.suggest_float("part", 0.0, 1.0, step=0.25)
        trial.suggest_categorical("kind", ["tree", True, False, None, 3, 0.5])
        trial.set_user_attr("seen", [trial.number, None, "é"])
        return trial, x * x + 10.0 * rate + abs(depth - 4) + width / 64.0 + part

    for _ in range(2):
        study.tell(*ask())
    trial, value = ask()
    for step in range(3):
        trial.report(value + 3.0 - step, step)
    study.tell(trial, state=TrialState.PRUNED)
    trial, _ = ask()
    study.tell(trial, state=TrialState.FAIL)
    ask()  # left RUNNING
    open_study(storage, name)


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    actions = {"open": (open_study, {3, 4}), "add": (add_trials, {5}), "make": (make_study, {4})}
    action, lengths = actions.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, set()))
    if len(sys.argv) not in lengths:
        sys.exit(__doc__)
    action(storage_at(sys.argv[2]), *sys.argv[3:])
