// Every golden/*.txt is a story whose output is kept. PENA_REWRITE=1 in the environment writes what
// comes out now into the files: read the difference before it is committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "core/story.hpp"

namespace pena::core::test {
namespace {

struct Block {
  std::string commands, expected;
};

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// `commands ---- output`, blocks divided by empty lines; the lines with '#' on top are the title.
std::vector<Block> blocks_of(const std::string& text, std::string& title) {
  std::vector<Block> blocks;
  Block block;
  bool in_output = false;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) {
      title += line + "\n";
    } else if (line == "----") {
      in_output = true;
    } else if (line.empty()) {
      if (in_output) blocks.push_back(std::exchange(block, {}));
      in_output = false;
    } else {
      (in_output ? block.expected : block.commands) += line + "\n";
    }
  }
  if (in_output) blocks.push_back(block);
  return blocks;
}

class Golden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(Golden, TellsTheSameStory) {
  std::string title;
  const std::vector<Block> blocks = blocks_of(read(GetParam()), title);
  ASSERT_FALSE(blocks.empty());
  ASSERT_FALSE(title.empty()) << "the first line says what the story proves";
  Story story;
  std::string now = title;
  for (const Block& block : blocks) {
    const std::string output = story.run(block.commands);
    now += block.commands + "----\n" + output + "\n";
    if (std::getenv("PENA_REWRITE") == nullptr) {
      EXPECT_EQ(output, block.expected) << "after:\n" << block.commands;
    }
  }
  if (std::getenv("PENA_REWRITE") != nullptr) {
    now.pop_back();
    std::ofstream(GetParam()) << now;
  }
}

std::vector<std::filesystem::path> stories() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string{PENA_TEST_FOLDER} + "/golden")) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

std::string story_name(const testing::TestParamInfo<std::filesystem::path>& info) {
  std::string name = info.param.stem().string();
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Stories, Golden, testing::ValuesIn(stories()), story_name);

}  // namespace
}  // namespace pena::core::test
