class Dropferry < Formula
  desc "Delivers what is dropped in a folder to SFTP servers: whole, verified, once"
  homepage "https://github.com/dropferry/dropferry"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    on_arm do
      url "https://github.com/dropferry/dropferry/releases/download/v@VERSION@/dropferry-@VERSION@-darwin-arm64.tar.gz"
      sha256 "@SHA256_DARWIN_ARM64@"
    end
    on_intel do
      url "https://github.com/dropferry/dropferry/releases/download/v@VERSION@/dropferry-@VERSION@-darwin-amd64.tar.gz"
      sha256 "@SHA256_DARWIN_AMD64@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/dropferry/dropferry/releases/download/v@VERSION@/dropferry-@VERSION@-linux-arm64.tar.gz"
      sha256 "@SHA256_LINUX_ARM64@"
    end
    on_intel do
      url "https://github.com/dropferry/dropferry/releases/download/v@VERSION@/dropferry-@VERSION@-linux-amd64.tar.gz"
      sha256 "@SHA256_LINUX_AMD64@"
    end
  end

  def install
    bin.install "dropferry"
    man1.install "man/dropferry.1"
    man5.install "man/dropferry-agent.toml.5"
    bash_completion.install "completions/dropferry.bash" => "dropferry"
    zsh_completion.install "completions/_dropferry"
    fish_completion.install "completions/dropferry.fish"
    pkgshare.install "agent.toml.example", "agent.schema.json"
  end

  service do
    run [opt_bin/"dropferry", "service", "run"]
    keep_alive successful_exit: false
    log_path var/"log/dropferry.log"
    error_log_path var/"log/dropferry.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/dropferry version")
  end
end
