using Kashif.Messaging;
using System.Numerics;
using Kashif.Reporting.Data;

namespace Kashif.Reporting.Reports;

/// <summary>
/// Finds the newest reports of an area. Each cell that touches the area is an index of its reports by id, so the newest of all are a merge of the cells,
/// which reads a few reports of each at a time and goes on only where it has used them up.
/// <code>
/// 1. Read the newest k reports of each cell, and whether each is in the area and matches.
/// 2. Take the greatest id of all cells, again and again, until the page is full or a cell has none left.
/// 3. If most of what that cell had was outside of the area, replace it by its smaller cells that touch the area.
/// 4. Read on in all cells as far as the rest of the page seems to need, by the share that each has had so far.
/// </code>
/// Step 3 keeps a crowd just outside of the border from being read: the smallest cells are 8 m wide.
/// </summary>
/// <remarks>The cells are of public reports only, as their indexes are.</remarks>
internal sealed class CellWalk(ReportingDbContext database, ReportFilter filter, Areas areas)
{
    /// <summary>How many reports to read until another plan may be better: about 20 ms.</summary>
    private const int Patience = 20_000;

    /// <summary>The most reports to read at a time.</summary>
    private const int MostAtATime = 8_192;

    /// <summary>How many reports of a cell must be outside of the area before it is worth to split it.</summary>
    private const int Crowd = 32;

    private List<Node> _nodes = [];
    private int _first;
    private int _read;

    /// <summary>The newest reports that are not in the answer are older than this, if it is not complete.</summary>
    public Guid Before { get; private set; }

    /// <summary>False if a selective filter has used up the walk's patience: there may be more reports than the answer has.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <param name="before">Only reports with a smaller id.</param>
    /// <returns>Up to <paramref name="count"/> ids, newest first.</returns>
    public async Task<List<Guid>> FindAsync(Guid before, int count, CancellationToken cancellationToken)
    {
        if (filter.To is { } to && TimeOrderedId.Before(to.AddMilliseconds(2)) is var last && last.CompareTo(before) < 0)
        {
            before = last;
        }

        Before = before;
        var cells = areas.Cover() ?? (await PresentCells.FindAsync(database, cancellationToken)).FindAll(areas.MayTouch);
        _first = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(2 * count / Math.Max(1, cells.Count), 4, 128)); // a covering is larger than its area
        _nodes = cells.ConvertAll(cell => new Node(cell, before, _first));
        var found = new List<Guid>(count);
        while (true)
        {
            Split();
            if (_nodes.Any(node => node.NeedsMore))
            {
                if (_read > Patience && filter.IsSelective)
                {
                    IsComplete = false;
                    return found;
                }

                await ReadAsync([.. _nodes.Where(node => (node.Wanted = Wanted(node, found.Count, count)) > 0)], cancellationToken);
            }

            if (!Merge(found, count))
            {
                return found;
            }
        }
    }

    /// <summary>How many more of a cell's reports the rest of the page seems to need, twice: a second look costs more than the reports.</summary>
    private int Wanted(Node node, int found, int count)
    {
        if (node.IsExhausted || (!node.NeedsMore && IsCrowded(node)))
        {
            return 0;
        }

        var share = node.Taken * 2L * (count - found) / Math.Max(found, 1);
        var missing = (int)Math.Clamp(share - node.Rows.Count, 0, 4L * (node.First + node.Count)); // a crowd has a large share at first
        return node.NeedsMore ? Math.Max(missing, Math.Max(node.First, node.Count)) : missing;
    }

    /// <returns>False if the page is full or all cells are read.</returns>
    private bool Merge(List<Guid> found, int count)
    {
        var heads = new PriorityQueue<Node, Guid>(_nodes.Count, NewestFirst);
        foreach (var node in _nodes.Where(node => node.Rows.Count > 0))
        {
            heads.Enqueue(node, node.Rows.Peek().Id);
        }

        while (heads.TryDequeue(out var node, out var id))
        {
            Before = id;
            var row = node.Take();
            if (row is { IsInside: true, Matches: true })
            {
                found.Add(id);
                if (found.Count == count)
                {
                    return false;
                }
            }

            if (node.Rows.Count > 0)
            {
                heads.Enqueue(node, node.Rows.Peek().Id);
            }
            else if (node.NeedsMore)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Replaces the cells that have read a crowd outside of the area.</summary>
    private void Split()
    {
        if (_nodes.Any(node => node.NeedsMore && IsCrowded(node)))
        {
            _nodes = [.. _nodes.SelectMany(node => node.NeedsMore && IsCrowded(node) ? Split(node.Cell, node.Before, node.Outside) : [node])];
        }
    }

    private static bool IsCrowded(Node node) => node.Cell.Grid.Finer is not null && node.Outside.Count >= Crowd && node.Outside.Count * 4 >= node.Count * 3;

    /// <summary>A smaller cell that has half of the crowd is split at once.</summary>
    private IEnumerable<Node> Split(Cell cell, Guid before, List<Place> outside)
    {
        foreach (var child in cell.Children().Where(areas.MayTouch))
        {
            var inside = outside.FindAll(place => child.Grid.CellOf(place.Latitude, place.Longitude) == child);
            var nodes = inside.Count * 2 >= outside.Count && child.Grid.Finer is not null ? Split(child, before, inside) : [new Node(child, before, Math.Max(2, _first / 8))];
            foreach (var node in nodes)
            {
                yield return node;
            }
        }
    }

    private async Task ReadAsync(Node[] nodes, CancellationToken cancellationToken)
    {
        var sql = new SqlParameters();
        var (matches, range) = (filter.Matches(sql), filter.Range(sql));
        var first = sql.Add(filter.From is { } from ? TimeOrderedId.Before(from) : Guid.Empty); // a bound of the index scan, which the range is not
        var most = Math.Max(_first, MostAtATime / nodes.Length);

        // Not an equation of the cell: then the primary key has the same order, and the planner would walk it if it thinks that a cell has many of the reports. Two
        // limits: for the second alone, which is no number, the planner expects a tenth of the table.
        var byGrid = nodes.Select((node, index) => (Node: node, Index: index)).GroupBy(pair => pair.Node.Cell.Grid);
        var text = string.Join(" UNION ALL ", byGrid.Select(group => $"""
            SELECT cells.node, newest.* FROM unnest({sql.Add(group.Select(pair => pair.Node.Cell.Number).ToArray())}, {sql.Add(group.Select(pair => pair.Node.Last).ToArray())},
                {sql.Add(group.Select(pair => Math.Min(pair.Node.Wanted, most)).ToArray())}, {sql.Add(group.Select(pair => pair.Index).ToArray())}) AS cells (cell, before, wanted, node), LATERAL (
                SELECT * FROM (
                    SELECT id, latitude, longitude, {matches} FROM reports
                    WHERE ({group.Key.Column}, id) < (cells.cell, cells.before) AND ({group.Key.Column}, id) > (cells.cell, {first}) AND {range} ORDER BY {group.Key.Column} DESC, id DESC LIMIT {MostAtATime}
                ) all_of_cell LIMIT cells.wanted) newest
            """));
        var before = Array.ConvertAll(nodes, node => node.Count);
        await using var batch = await database.CreateIndexOrderBatchAsync(cancellationToken);
        batch.BatchCommands.Add(sql.ToCommand(text));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var place = new Place(reader.GetDouble(2), reader.GetDouble(3));
            nodes[reader.GetInt32(0)].Add(new Row(reader.GetGuid(1), areas.Contains(place), reader.GetBoolean(4)), place);
            _read++;
        }

        foreach (var (node, already) in nodes.Zip(before))
        {
            node.IsExhausted = node.Count - already < Math.Min(node.Wanted, most);
        }
    }

    private static readonly Comparer<Guid> NewestFirst = Comparer<Guid>.Create((one, other) => other.CompareTo(one));

    private readonly record struct Row(Guid Id, bool IsInside, bool Matches);

    /// <summary>A cell, and the reports of it that are read but not taken yet.</summary>
    /// <param name="first">How many reports to read the first time.</param>
    private sealed class Node(Cell cell, Guid before, int first)
    {
        public Cell Cell { get; } = cell;

        public int First { get; } = first;

        /// <summary>The last report that was taken.</summary>
        public Guid Before { get; private set; } = before;

        /// <summary>The last report that was read.</summary>
        public Guid Last { get; private set; } = before;

        public Queue<Row> Rows { get; } = [];

        /// <summary>How many reports to read the next time.</summary>
        public int Wanted { get; set; }

        /// <summary>How many reports were read.</summary>
        public int Count { get; private set; }

        /// <summary>How many reports were taken.</summary>
        public int Taken { get; private set; }

        /// <summary>Where those are that are outside of the area.</summary>
        public List<Place> Outside { get; } = [];

        public bool IsExhausted { get; set; }

        public bool NeedsMore => Rows.Count == 0 && !IsExhausted;

        public void Add(Row row, Place place)
        {
            Rows.Enqueue(row);
            Last = row.Id;
            Count++;
            if (!row.IsInside)
            {
                Outside.Add(place);
            }
        }

        public Row Take()
        {
            var row = Rows.Dequeue();
            Before = row.Id;
            Taken++;
            return row;
        }
    }
}
