"""Trains the models that another team might bring, on thyroid `other`, and their scores on `SVHC`:
pip install xgboost lightgbm pandas, then python xgboost_thyroid.py (from this folder)."""
import lightgbm
import numpy as np
import pandas as pd
import xgboost

FIXTURES = "../fixtures/"
data = pd.read_csv("../../data/thyroid/thyroid.csv", dtype={"patient_id": str})
label = (data.target != "-").astype(int)
site = data.referral_source
x = data.drop(columns=["target", "patient_id", "referral_source"])
x.loc[x.age > 110, "age"] = np.nan
for column in x.columns:
    if set(x[column].dropna()) <= {"f", "t"}:
        x[column] = x[column].map({"f": 0.0, "t": 1.0})
x["sex"] = x.sex.map({"F": 0.0, "M": 1.0})
x = x.astype("float32")
source, target = site == "other", site == "SVHC"

booster = xgboost.train(
    dict(objective="binary:logistic", max_depth=3, eta=0.2, nthread=1, seed=1),
    xgboost.DMatrix(x[source], label[source]),
    50,
)
booster.save_model(FIXTURES + "thyroid_xgboost.json")
booster.save_model(FIXTURES + "thyroid_xgboost.ubj")
forest = lightgbm.train(
    dict(objective="binary", num_leaves=8, learning_rate=0.1, num_threads=1, verbose=-1, seed=1),
    lightgbm.Dataset(x[source], label[source]),
    50,
)
forest.save_model(FIXTURES + "thyroid_lightgbm.txt")
pd.DataFrame(
    dict(id=data.patient_id[target], xgboost=booster.predict(xgboost.DMatrix(x[target])), lightgbm=forest.predict(x[target]))
).to_csv(FIXTURES + "thyroid_scores.csv", index=False, float_format="%.9g")
