"""Optuna and optuna-dashboard on a study of ours, and ours on one of Optuna's.

usage: check_optuna.py PATH_TO_MEDICAL FOLDER (an empty one); needs optuna and optuna-dashboard.
"""
import json
import os
import subprocess
import sys
import time
import urllib.request

program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
interop = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optuna_interop.py")
os.chdir(folder)


def ours(*args):
    return subprocess.run([program, *args], check=True, capture_output=True, text=True).stdout


def theirs(*args):
    return json.loads(subprocess.run([sys.executable, interop, *args], check=True, capture_output=True, text=True).stdout)


for ours_by, theirs_by in (("study.db", "sqlite:///study.db"), ("journal:study.log", "journal:study.log")):
    ours("tune", "--trials", "16", "--workers", "2", "--store", ours_by, "--output", "a", "--quiet")
    name = "medical-thyroid/specialist"
    seen = theirs("open", theirs_by, name)
    assert sum(seen["trials"].values()) == 16 and seen["trials"].get("COMPLETE", 0) > 3, seen
    added = theirs("add", theirs_by, name, "3")
    listed = {s["name"]: s for s in json.loads(ours("study", "list", "--store", ours_by, "--json"))}
    assert listed[name]["trials"] == 19 and len(added) == 3, listed
    ours("tune", "--trials", "24", "--workers", "2", "--store", ours_by, "--output", "a", "--quiet")
    assert sum(theirs("open", theirs_by, name)["trials"].values()) == 24
    theirs("make", theirs_by, "by-optuna")
    shown = json.loads(ours("study", "show", "--store", ours_by, "--study", "by-optuna", "--json"))
    assert sorted(t["state"] for t in shown["trials"]) == ["complete", "complete", "failed", "pruned", "running"], shown
    print(ours_by, "ok:", seen["trials"], "then", added, "by Optuna")

port = str(20000 + os.getpid() % 20000)
dashboard = os.path.join(os.path.dirname(sys.executable), "optuna-dashboard")
server = subprocess.Popen([dashboard, "sqlite:///study.db", "--port", port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(100):
        try:
            answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies"))
            break
        except OSError:
            time.sleep(0.2)
    names = [s["study_name"] for s in answer["study_summaries"]]
    assert "medical-thyroid/specialist" in names, names
    one = next(s for s in answer["study_summaries"] if s["study_name"] == "medical-thyroid/specialist")
    detail = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies/{one['study_id']}"))
    assert len(detail["trials"]) == 24, len(detail["trials"])
    print("optuna-dashboard lists", names, "and shows", len(detail["trials"]), "trials")
finally:
    server.terminate()
