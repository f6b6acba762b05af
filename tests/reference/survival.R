# Reference figures from R for the Rust survival tests.
# Versions: R 4.2.2 Patched (2022-11-10 r83330), survival 3.5-3 (Debian r-cran-survival).
# Run: Rscript survival.R; python survival.py (writes figures.txt).
# Reads rotterdam.csv, gbsg.csv; writes figures_R.txt ("name value", 17
# significant digits), preds.csv (rotterdam model on gbsg) and checks_R.txt.
# Conventions: survival.md. No randomness. Cox fits run with eps = 1e-11 (R's default
# 1e-9 stops a Newton step earlier; differences < 1e-8).
suppressMessages(library(survival))
out <- character(0)
put <- function(name, v) out <<- c(out, sprintf("%s %.17g", name, as.numeric(v)))
putv <- function(stem, v, idx = seq_along(v)) for (k in seq_along(v)) put(paste0(stem, ".", idx[k]), v[k])
chk <- character(0)
say <- function(...) chk <<- c(chk, paste0(...))
T5 <- c(12, 24, 36, 48, 60)
ctl <- coxph.control(eps = 1e-11, iter.max = 60, toler.inf = 1e-8)
V <- c("age", "meno", "s2050", "s50", "g3", "nodes", "pgr", "er", "hormon")
load1 <- function(f) {
  d <- read.csv(f, stringsAsFactors = FALSE)
  d$s2050 <- as.numeric(d$size == "20-50"); d$s50 <- as.numeric(d$size == ">50")
  d$g3 <- as.numeric(d$grade == "3"); d$months <- d$days / 30.4375; d
}
g <- load1("gbsg.csv"); r <- load1("rotterdam.csv")
g$tied <- ceiling(g$months)
g$w <- 1 + ((seq_len(nrow(g)) - 1) %% 3)
r$e84 <- ifelse(r$months > 84, 0, r$event); r$m84 <- pmin(r$months, 84)
put("n.gbsg", nrow(g)); put("n.rotterdam", nrow(r)); put("events.gbsg", sum(g$event))
put("events.rotterdam", sum(r$event)); put("events.rotterdam.84", sum(r$e84))
f9 <- function(lhs, vars = V) as.formula(paste(lhs, "~", paste(vars, collapse = "+")))

## Kaplan-Meier, Nelson-Aalen, restricted mean
km <- survfit(Surv(months, event) ~ 1, g, stype = 1, ctype = 1, conf.type = "log-log")
s <- summary(km, times = T5)
putv("km.months.surv", s$surv, T5); putv("km.months.se", s$std.err, T5)
putv("km.months.lower", s$lower, T5); putv("km.months.upper", s$upper, T5)
putv("na.months.cumhaz", s$cumhaz, T5); putv("na.months.se", s$std.chaz, T5)
tb <- summary(km, rmean = 60)$table
put("km.months.median", tb["median"]); put("km.months.median.lower", tb["0.95LCL"]); put("km.months.median.upper", tb["0.95UCL"])
put("rmst.60.all", tb["rmean"]); put("rmst.60.all.se", tb["se(rmean)"])
th <- summary(survfit(Surv(months, event) ~ hormon, g, conf.type = "log-log"), rmean = 60)$table
for (h in 0:1) { put(paste0("rmst.60.hormon", h), th[h + 1, "rmean"]); put(paste0("rmst.60.hormon", h, ".se"), th[h + 1, "se(rmean)"]) }
kt <- survfit(Surv(tied, event) ~ 1, g, stype = 1, ctype = 1, conf.type = "log-log")
s <- summary(kt, times = T5)
putv("km.tied.surv", s$surv, T5); putv("km.tied.se", s$std.err, T5)
putv("na.tied.cumhaz", s$cumhaz, T5); putv("na.tied.se", s$std.chaz, T5)

## Cox on tied data
TS <- "Surv(tied, event)"
ef <- coxph(f9(TS), g, ties = "efron", control = ctl)
putv("cox.efron.tied.beta", coef(ef)); putv("cox.efron.tied.se", sqrt(diag(ef$var)))
put("cox.efron.tied.loglik.null", ef$loglik[1]); put("cox.efron.tied.loglik.fit", ef$loglik[2])
br <- coxph(f9(TS), g, ties = "breslow", control = ctl)
putv("cox.breslow.tied.beta", coef(br)); putv("cox.breslow.tied.se", sqrt(diag(br$var)))
put("cox.breslow.tied.loglik.null", br$loglik[1]); put("cox.breslow.tied.loglik.fit", br$loglik[2])
ew <- coxph(f9(TS), g, weights = w, ties = "efron", robust = FALSE, control = ctl)
putv("cox.efron.tied.weighted.beta", coef(ew)); putv("cox.efron.tied.weighted.se", sqrt(diag(ew$var)))
put("cox.efron.tied.weighted.loglik.null", ew$loglik[1]); put("cox.efron.tied.weighted.loglik.fit", ew$loglik[2])
bw <- coxph(f9(TS), g, weights = w, ties = "breslow", robust = FALSE, control = ctl)
putv("cox.breslow.tied.weighted.beta", coef(bw)); put("cox.breslow.tied.weighted.loglik.fit", bw$loglik[2])
i8 <- setdiff(1:9, 5); V8 <- V[i8]
es <- coxph(f9(TS, c(V8, "strata(grade)")), g, ties = "efron", control = ctl)
putv("cox.efron.tied.strata.beta", coef(es), i8); putv("cox.efron.tied.strata.se", sqrt(diag(es$var)), i8)
put("cox.efron.tied.strata.loglik.null", es$loglik[1]); put("cox.efron.tied.strata.loglik.fit", es$loglik[2])
eo <- coxph(f9(TS, c(V[-1], "offset(0.02*age)")), g, ties = "efron", control = ctl)
putv("cox.efron.tied.offset.beta", coef(eo), 2:9); putv("cox.efron.tied.offset.se", sqrt(diag(eo$var)), 2:9)
put("cox.efron.tied.offset.loglik.null", eo$loglik[1]); put("cox.efron.tied.offset.loglik.fit", eo$loglik[2])

## Penalised. Own Newton on l(b) - 1/2 sum p (b-m)^2: R's score and information at b
## through init= and iter.max=0; nlminb on the same objective as a second opinion.
pen <- function(X, y, w, p, m, b = m) {
  at <- function(b) coxph(y ~ X, weights = w, init = b, ties = "efron", robust = FALSE,
                          control = coxph.control(iter.max = 0))
  obj <- function(b) at(b)$loglik[2] - sum(p * (b - m)^2) / 2
  sc <- function(b) { f <- suppressWarnings(at(b)); u <- colSums(as.matrix(residuals(f, "score")) * w)
    list(u = u, i = solve(f$var)) }
  for (k in 1:50) { q <- sc(b); step <- solve(q$i + diag(p), q$u - p * (b - m)); b <- b + step
    if (max(abs(step)) < 1e-13) break }
  q <- sc(b)
  nl <- nlminb(m, function(b) -suppressWarnings(obj(b)), gradient = function(b) -(sc(b)$u - p * (b - m)),
               control = list(rel.tol = 1e-14, iter.max = 500, eval.max = 1000))
  list(b = unname(b), obj = suppressWarnings(obj(b)), grad = max(abs(q$u - p * (b - m))), steps = k,
       nl = max(abs(nl$par - b)), loglik = suppressWarnings(at(b))$loglik[2])
}
one <- rep(1, nrow(g)); X <- as.matrix(g[, V]); yt <- Surv(g$tied, g$event)
for (kind in c("ridge", "weighted.ridge")) {
  w <- if (kind == "ridge") one else g$w
  g$wk <- w  # weights= is looked up in the data first
  rr <- coxph(Surv(tied, event) ~ ridge(age, meno, s2050, s50, g3, nodes, pgr, er, hormon, theta = 20, scale = FALSE),
              g, weights = wk, ties = "efron", robust = FALSE, control = coxph.control(eps = 1e-11, iter.max = 60))
  mine <- pen(X, yt, w, rep(20, 9), rep(0, 9))
  say(kind, ": max|ridge() - argmax l - 10*sum b^2| = ", format(max(abs(coef(rr) - mine$b))), "; gradient ", format(mine$grad), "; nlminb diff ", format(mine$nl))
  putv(paste0("cox.efron.tied.", kind, ".beta"), coef(rr))
  put(paste0("cox.efron.tied.", kind, ".loglik"), mine$loglik)
  put(paste0("cox.efron.tied.", kind, ".objective"), mine$obj)
}

## Rotterdam fit, truncated at 84
rf <- coxph(f9("Surv(m84, e84)"), r, ties = "efron", control = ctl)
putv("cox.rotterdam.beta", coef(rf)); putv("cox.rotterdam.se", sqrt(diag(rf$var)))
put("cox.rotterdam.loglik.null", rf$loglik[1]); put("cox.rotterdam.loglik.fit", rf$loglik[2])
cum <- function(fit, t) { b <- basehaz(fit, centered = FALSE); c(0, b$hazard)[findInterval(t, b$time) + 1] }
GR <- seq(6, 60, 6); TR <- sort(unique(c(GR, 84)))
putv("basehaz.rotterdam.efron", cum(rf, TR), TR)

## Gaussian prior at the rotterdam coefficients, standardised gbsg covariates, tied data
mu <- colMeans(X); sdp <- sqrt(colMeans(sweep(X, 2, mu)^2)); Z <- sweep(sweep(X, 2, mu), 2, sdp, "/")
m <- unname(coef(rf) * sdp)
putv("gbsg.mean", mu); putv("gbsg.sd", sdp); putv("prior.m", m)
pr <- pen(Z, yt, one, rep(50, 9), m)
say("prior: gradient ", format(pr$grad), "; steps ", pr$steps, "; nlminb diff ", format(pr$nl))
putv("cox.efron.tied.prior.beta", pr$b); put("cox.efron.tied.prior.loglik", pr$loglik); put("cox.efron.tied.prior.objective", pr$obj)

## Baseline hazard and predicted survival
putv("basehaz.tied.efron", cum(ef, T5), T5); putv("basehaz.tied.breslow", cum(br, T5), T5)
sf <- summary(survfit(ef, newdata = g[1:3, ]), times = c(24, 60))$surv
for (i in 1:3) putv(paste0("surv.tied.efron.row", i), sf[, i], c(24, 60))
own <- exp(-cum(ef, 24) * exp(drop(X[1:3, ] %*% coef(ef))))
say("predicted survival = exp(-H0 exp(xb)): max diff ", format(max(abs(own - sf[1, ]))))

## Rotterdam model applied to gbsg
g$lp <- drop(X %*% coef(rf))
cc <- function(stem, lhs, ...) { k <- concordance(as.formula(paste(lhs, "~ lp")), g, reverse = TRUE, ...)
  put(stem, k$concordance); put(paste0(stem, ".se"), sqrt(k$var))
  for (n in names(k$count)) put(paste0(stem, ".", n), k$count[n]) }
cc("concordance.harrell.months", "Surv(months, event)")
cc("concordance.uno60.months", "Surv(months, event)", timewt = "n/G2", ymax = 60)
cc("concordance.harrell.tied", "Surv(tied, event)")
cc("concordance.uno60.tied", "Surv(tied, event)", timewt = "n/G2", ymax = 60)
cs <- coxph(Surv(months, event) ~ lp, g, ties = "efron", control = ctl)
put("calslope.beta", coef(cs)); put("calslope.se", sqrt(cs$var[1]))
P <- sapply(GR, function(t) exp(-cum(rf, t) * exp(g$lp)))
colnames(P) <- paste0("S", GR)
D <- apply(cbind(lp = g$lp, P), 2, function(v) sprintf("%.17g", v))
write.csv(D, "preds.csv", row.names = FALSE, quote = FALSE)

## Aalen-Johansen
r$st <- factor(r$cause, c("censored", "recurrence", "death"))
aj <- summary(survfit(Surv(months, st) ~ 1, r), times = c(24, 60, 120))
for (k in c("recurrence", "death")) { j <- match(k, aj$states)
  putv(paste0("aj.rotterdam.", k), aj$pstate[, j], aj$time); putv(paste0("aj.rotterdam.", k, ".se"), aj$std.err[, j], aj$time) }

## Parametric
for (d in c("weibull", "lognormal")) {
  q <- survreg(f9("Surv(months, event)"), g, dist = d, control = survreg.control(rel.tolerance = 1e-13, maxiter = 100))
  put(paste0("survreg.", d, ".intercept"), coef(q)[1]); putv(paste0("survreg.", d, ".beta"), coef(q)[-1])
  put(paste0("survreg.", d, ".logscale"), log(q$scale)); put(paste0("survreg.", d, ".loglik"), q$loglik[2])
  put(paste0("survreg.", d, ".loglik.null"), q$loglik[1])
  se <- sqrt(diag(q$var)); put(paste0("survreg.", d, ".intercept.se"), se[1]); putv(paste0("survreg.", d, ".se"), se[2:10]); put(paste0("survreg.", d, ".logscale.se"), se[11])
}

## Tests
em <- coxph(f9("Surv(months, event)"), g, ties = "efron", control = ctl)
putv("cox.efron.months.beta", coef(em)); putv("cox.efron.months.se", sqrt(diag(em$var))); put("cox.efron.months.loglik.fit", em$loglik[2])
z <- cox.zph(em, transform = "km")$table
put("coxzph.months.global.chisq", z["GLOBAL", 1]); put("coxzph.months.global.p", z["GLOBAL", 3])
putv("coxzph.months.chisq", z[1:9, 1]); putv("coxzph.months.p", z[1:9, 3])
for (tm in c("months", "tied")) {
  put(paste0("logrank.", tm, ".hormon.chisq"), survdiff(as.formula(paste0("Surv(", tm, ", event) ~ hormon")), g)$chisq)
  put(paste0("logrank.", tm, ".hormon.bygrade.chisq"), survdiff(as.formula(paste0("Surv(", tm, ", event) ~ hormon + strata(grade)")), g)$chisq)
}
writeLines(out, "figures_R.txt"); writeLines(chk, "checks_R.txt"); print(warnings())
