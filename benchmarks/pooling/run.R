# Fit every meta-analysis of a file with metafor and time the loop.
#
#     Rscript run.R studies.csv fits.csv
#
# studies.csv: fit, log_hr, se (one row per study). Written by run.py, which calls this script.
# fits.csv: fit, mu, ci_low, ci_high, tau2, seconds (CPU time of the whole loop, in every row).
# A fit that stops with an error has NA.

suppressPackageStartupMessages(library(metafor))
files <- commandArgs(trailingOnly = TRUE)
studies <- read.csv(files[1])
log_hr <- split(studies$log_hr, studies$fit)
variance <- split(studies$se^2, studies$fit)
count <- length(log_hr)
fits <- matrix(NA_real_, count, 4, dimnames = list(NULL, c("mu", "ci_low", "ci_high", "tau2")))

one <- function(i) {
  f <- rma.uni(log_hr[[i]], variance[[i]], method = "REML", test = "knha")
  c(f$beta, f$ci.lb, f$ci.ub, f$tau2)
}

# The first calls compile the functions.
for (i in 1:10) try(one(i), silent = TRUE)
start <- proc.time()
for (i in seq_len(count)) {
  row <- try(suppressWarnings(one(i)), silent = TRUE)
  if (!inherits(row, "try-error")) fits[i, ] <- row
}
spent <- proc.time() - start
seconds <- spent[["user.self"]] + spent[["sys.self"]]
write.csv(data.frame(fit = names(log_hr), fits, seconds = seconds), files[2], row.names = FALSE)
