import Foundation
import Search

/// Saves checkpoints on a thread of its own, so that nobody waits for a disk. Of several that wait the newest is written.
///
/// `@unchecked Sendable`: every access to what changes is inside the condition's lock.
public final class CheckpointWriter: @unchecked Sendable {
    private let folder: CheckpointFolder
    private let report: @Sendable (Result<String, CheckpointError>) -> Void
    private let condition = NSCondition()
    private var waiting: SearchState?
    private var isWriting = false
    private var isFinished = false
    private var failed: CheckpointError?

    /// - Parameter report: called on the writer's thread after each save, with the checkpoint's folder or the error.
    public init(
        _ folder: CheckpointFolder, report: @escaping @Sendable (Result<String, CheckpointError>) -> Void
    ) {
        self.folder = folder
        self.report = report
        let thread = Thread { [self] in run() }
        thread.name = "checkpoints"
        thread.start()
    }

    /// Any thread; returns at once.
    public func save(_ state: SearchState) {
        condition.withLock {
            waiting = state
            condition.broadcast()
        }
    }

    /// Why the last save failed; nil when it did not.
    public var failure: CheckpointError? { condition.withLock { failed } }

    /// Waits until everything is written; nothing can be saved afterwards.
    public func finish() {
        condition.withLock {
            isFinished = true
            condition.broadcast()
            while waiting != nil || isWriting { condition.wait() }
        }
    }

    private func run() {
        while let state = next() {
            let result: Result<String, CheckpointError>
            do throws(CheckpointError) {
                result = .success(try folder.save(state))
            } catch {
                result = .failure(error)
            }
            report(result)
            condition.withLock {
                if case .failure(let error) = result { failed = error } else { failed = nil }
                isWriting = false
                condition.broadcast()
            }
        }
    }

    private func next() -> SearchState? {
        condition.withLock {
            while waiting == nil {
                if isFinished { return nil }
                condition.wait()
            }
            isWriting = true
            defer { waiting = nil }
            return waiting
        }
    }
}
