# The two that a newcomer needs: `make run` and `make test`. `make help` lists the others.
.DEFAULT_GOAL := help
# Cheap steps first, and the output of each in one piece: every step uses all cores by itself.
.NOTPARALLEL:
.PHONY: help run test deps build test-cpp test-py asan tsan clang tidy lint format install clean

VENV := .venv
# A file that says that the venv has what pyproject.toml asks for.
VENV_READY := $(VENV)/.ready
say = @printf '\n== %s\n' '$(1)'

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: ## build and run `pena demo`
	@scripts/deps run
	@cmake --preset release -DPENA_TESTS=OFF -DPENA_WERROR=OFF -B build/run >/dev/null
	@cmake --build build/run --target pena
	@build/run/cli/pena demo

test: lint test-cpp test-py asan tsan clang ## everything that must be green, in about twenty minutes
	$(call say,all green)

deps: ## install the system packages that are missing
	@scripts/deps test

build: deps ## the release build with its tests
	$(call say,build (release))
	@cmake --preset release >/dev/null
	@cmake --build --preset release

test-cpp: build ## the C++ tests
	$(call say,C++ tests (release))
	@ctest --preset release -j2

test-py: $(VENV_READY) ## install into .venv and run the Python scenarios
	$(call say,pip install .)
	@# With the flags of the release build, so that ccache has its objects.
	@$(VENV)/bin/pip install --quiet --no-deps --force-reinstall --no-build-isolation \
	  -Ccmake.define.PENA_WERROR=ON .
	$(call say,Python scenarios)
	@$(VENV)/bin/pytest

asan: deps ## the C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(call say,C++ tests (address and undefined sanitizers))
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan
	@ctest --preset asan -j2

tsan: deps ## the C++ tests under ThreadSanitizer
	$(call say,C++ tests (thread sanitizer))
	@cmake --preset tsan >/dev/null
	@cmake --build --preset tsan
	@ctest --preset tsan -j2

clang: deps ## compile everything with the second compiler
	$(call say,build (clang))
	@cmake --preset clang >/dev/null
	@cmake --build --preset clang

tidy: clang ## clang-tidy over all sources
	$(call say,clang-tidy)
	@scripts/lint tidy

lint: $(VENV_READY) ## clang-format, ruff and mypy
	$(call say,lint)
	@scripts/lint check

format: $(VENV_READY) ## let clang-format and ruff rewrite the sources
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
