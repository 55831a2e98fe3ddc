namespace Kashif.Reporting.WorkOrders;

/// <summary>What EF's model does not have. For migrations.</summary>
internal static class WorkOrderSchema
{
    /// <summary>The unique index by which a report is in at most one open work order.</summary>
    public const string OneOpenOrder = "ix_work_order_reports_open";

    /// <summary>
    /// The words for the search, as those of reports. And the foreign key that carries a work order's state to its reports, where the unique index needs it: no
    /// way to change the state, SQL by hand included, leaves a report in two open work orders.
    /// </summary>
    public const string Create = """
        ALTER TABLE projects ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (report_words(name, description, NULL)) STORED;
        CREATE INDEX ix_projects_words ON projects USING gin (words);
        ALTER TABLE work_orders ADD COLUMN words tsvector NOT NULL GENERATED ALWAYS AS (report_words(title, description, NULL)) STORED;
        CREATE INDEX ix_work_orders_words ON work_orders USING gin (words);
        ALTER TABLE work_order_reports ADD CONSTRAINT fk_work_order_reports_open
            FOREIGN KEY (work_order_id, open) REFERENCES work_orders (id, open) ON UPDATE CASCADE ON DELETE CASCADE;
        """;
}
